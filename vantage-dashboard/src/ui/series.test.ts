import { describe, expect, it } from 'vitest';
import { extent, figuresOf, moved, nextShown, rowsOf, seriesColor, seriesDash, seriesShape, timeTicks, valueTicks, zoomed } from './series';

const HOUR = 3_600_000;
const line = (key: string, ...values: (number | null)[]) => ({ key, name: key, points: values.map((value, i) => [i, value] as const) });

it('joins series by time, and leaves out what one of them has not', () => {
  expect(rowsOf([{ key: 'a', name: 'a', points: [[10, 1], [30, null]] }, { key: 'b', name: 'b', points: [[20, 5], [10, 4]] }])).toEqual([
    { time: 10, a: 1, b: 4 },
    { time: 20, b: 5 },
    { time: 30, a: null },
  ]);
});

it('has round ticks of the local clock, few of them', () => {
  expect(timeTicks(0, HOUR, 0)).toEqual([0, 10, 20, 30, 40, 50, 60].map((minutes) => minutes * 60_000));
  // Half an hour off UTC: full hours of that clock.
  expect(timeTicks(0, 5 * HOUR, HOUR / 2)[0]).toBe(HOUR / 2);
  for (const length of [1, 900, 7 * HOUR, 400 * 24 * HOUR]) expect(timeTicks(1e12, 1e12 + length, 0).length).toBeLessThanOrEqual(7);
});

it('colours come round, but never with the same dashes', () => {
  expect(seriesColor(8)).toBe(seriesColor(0));
  expect(seriesDash(8)).not.toBe(seriesDash(0));
  expect(new Set([0, 1, 2, 3, 4, 5, 6, 7].map(seriesShape)).size).toBe(8);
});

it.each([
  [0, 0, [0, 1]],
  [0, 97, [0, 20, 40, 60, 80, 100]],
  [0, 0.03, [0, 0.01, 0.02, 0.03]],
  [-4, 4, [-4, -2, 0, 2, 4]],
  [0, 1039, [0, 250, 500, 750, 1000, 1250]],
  [0, 1e9, [0, 2e8, 4e8, 6e8, 8e8, 1e9]],
])('round values from %s to %s', (least, most, ticks) => {
  expect(valueTicks(least, most)).toEqual(ticks);
});

it('knows how far lines and stacks reach', () => {
  const both = [line('a', 1, 5, null), line('b', 2, 4, -3)];
  expect(extent(both, false)).toEqual([-3, 5]);
  expect(extent(both, true)).toEqual([-3, 9]);
  expect(extent([], true)).toEqual([0, 0]);
});

it('says a line in four numbers', () => {
  expect(figuresOf(line('a', 4, null, 2, null).points)).toEqual({ last: 2, min: 2, mean: 3, max: 4 });
  expect(figuresOf(line('a', null).points)).toEqual({ last: null, min: null, mean: null, max: null });
});

describe('a legend', () => {
  const all = ['a', 'b', 'c'];
  it.each([
    [[], 'a', false, ['a']],
    [['a'], 'a', false, []],
    [['a', 'b'], 'a', false, ['a']],
    [[], 'b', true, ['a', 'c']],
    [['a', 'c'], 'b', true, []],
    [['a'], 'a', true, []],
    [['a'], 'c', true, ['a', 'c']],
  ])('of %j, after %s (toggling: %s), shows %j', (shown, key, toggles, next) => {
    expect(nextShown(all, shown, key, toggles)).toEqual(next);
  });
});

describe('a span', () => {
  const hour = { start: 1000 * HOUR, end: 1001 * HOUR };
  it('is halved about its middle', () => expect(zoomed(hour, 0.5, 2000 * HOUR)).toEqual({ start: 1000.25 * HOUR, end: 1000.75 * HOUR }));
  it('doubles into the past where the future begins', () => expect(zoomed(hour, 2, hour.end)).toEqual({ start: 999 * HOUR, end: 1001 * HOUR }));
  it('is never shorter than ten seconds', () => expect(zoomed({ start: 0, end: 10_000 }, 0.5, HOUR)).toEqual({ start: 0, end: 10_000 }));
  it('moves, but not beyond now', () => {
    expect(moved(hour, -0.5, hour.end)).toEqual({ start: 999.5 * HOUR, end: 1000.5 * HOUR });
    expect(moved(hour, 0.5, hour.end)).toEqual(hour);
  });
});
