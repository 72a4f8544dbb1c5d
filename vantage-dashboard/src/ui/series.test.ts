import { expect, it } from 'vitest';
import { rowsOf, seriesColor, timeTicks } from './series';

const HOUR = 3_600_000;

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

it('colours come round', () => {
  expect(seriesColor(8)).toBe(seriesColor(0));
});
