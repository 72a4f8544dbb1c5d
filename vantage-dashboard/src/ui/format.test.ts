import { describe, expect, it } from 'vitest';
import { duration, percent, rate } from './format';

describe('format', () => {
  it.each([[null, '–'], [NaN, '–'], [0, '0.0'], [3.14, '3.1'], [42.4, '42'], [1234, '1,234'], [14_200, '14.2k'], [2.5e6, '2.5M']])('rate %s → %s', (value, text) => {
    expect(rate(value)).toBe(text);
  });
  it.each([[null, '–'], [0, '0%'], [0.00001, '<0.01%'], [0.0042, '0.42%'], [0.012, '1.2%'], [0.5, '50%']])('percent %s → %s', (value, text) => {
    expect(percent(value)).toBe(text);
  });
  it.each([[null, '–'], [0.2, '0.20 ms'], [8.25, '8.3 ms'], [230, '230 ms'], [1500, '1.5 s'], [90_000, '1.5 min']])('duration %s → %s', (value, text) => {
    expect(duration(value)).toBe(text);
  });
});
