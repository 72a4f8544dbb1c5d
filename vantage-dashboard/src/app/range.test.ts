import { describe, expect, it } from 'vitest';
import { bounds, DEFAULT_RANGE, lengthMs, PRESETS, rangeOf, rangeWords, refreshMs, writeRange, type Range } from './range';

const HOUR = 3_600_000;
const of = (text: string) => rangeOf(new URLSearchParams(text));
const written = (range: Range, before = '') => {
  const parameters = new URLSearchParams(before);
  writeRange(parameters, range);
  return parameters.toString();
};

describe('a range in the address', () => {
  it('is a preset or two instants', () => {
    expect(of('range=6h')).toEqual({ preset: '6h' });
    expect(of('start=1000&end=2000')).toEqual({ start: 1000, end: 2000 });
  });

  it.each(['', 'range=9y', 'start=2000&end=1000', 'start=x&end=2000', 'start=-5&end=7', 'start=1e99&end=2e99'])('means the default in "%s"', (text) => {
    expect(of(text)).toEqual(DEFAULT_RANGE);
  });

  it('is read as it was written, and leaves the rest alone', () => {
    for (const range of [...PRESETS.map((preset) => ({ preset })), { start: 5000, end: 9000 }]) expect(of(written(range, 'range=7d&start=1&end=2'))).toEqual(range);
    expect(written({ preset: '1h' }, 'env=prod&range=6h')).toBe('env=prod');
  });
});

it('ends now when it is relative', () => {
  expect(bounds({ preset: '1h' }, 10 * HOUR)).toEqual({ start: 9 * HOUR, end: 10 * HOUR });
  expect(bounds({ start: 1, end: 2 }, 10 * HOUR)).toEqual({ start: 1, end: 2 });
  expect(lengthMs({ preset: '7d' })).toBe(7 * 24 * HOUR);
});

it('is asked for anew only while it moves', () => {
  expect(refreshMs({ preset: '15m' })).toBe(5000);
  expect(refreshMs({ preset: '30d' })).toBe(60_000);
  expect(refreshMs({ start: 1, end: 2 })).toBe(false);
});

it('has words', () => {
  expect(rangeWords({ preset: '24h' })).toBe('Last 24 hours');
  expect(rangeWords({ start: Date.UTC(2026, 0, 5), end: Date.UTC(2026, 0, 6) }, 'en-US')).toMatch(/Jan/);
});
