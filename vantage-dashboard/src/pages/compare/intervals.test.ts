import { expect, it } from 'vitest';
import { estimatesOf, placed, reachOf } from './intervals';

const estimate = (value: number, low: number | null = null, high: number | null = null) => ({ name: 'p95', value, low, high });

it('the axis holds the estimates, and the ends of intervals unless they are far out', () => {
  expect(reachOf([estimate(1, -3, 4), estimate(-2)])).toBe(5);
  expect(reachOf([estimate(30, -597, 93)])).toBe(100);
  expect(reachOf([estimate(0)])).toBe(2);
  expect(reachOf([estimate(-4000)])).toBe(500);
});

it('zero is in the middle and better is right', () => {
  expect(placed(estimate(0, -10, 5), 10)).toEqual({ at: 0.5, from: 0, to: 0.75, isCut: false });
  expect(placed(estimate(-4000), 500)).toEqual({ at: 0, from: null, to: null, isCut: true });
});

it('takes the mean that was tested and the percentiles', () => {
  const found = estimatesOf({ tested: { quantity: 'difference of means', improvement_pct: 3, low_pct: 1, high_pct: 5 }, percentiles: { p50: { improvement_pct: -1, low_pct: null, high_pct: null } } });
  expect(found).toEqual([{ name: 'Mean', value: 3, low: 1, high: 5 }, { name: 'p50', value: -1, low: null, high: null }]);
  expect(estimatesOf({ tested: null, percentiles: {} })).toEqual([]);
});
