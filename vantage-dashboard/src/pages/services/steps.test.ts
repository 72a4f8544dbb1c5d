import { expect, it } from 'vitest';
import { perSecond, releases, versionsOf, wholeSteps } from './steps';

it('leaves out the steps that the range cuts off', () => {
  const points = [[0, 1], [1000, 2], [2000, 3]] as const;
  expect(wholeSteps(points, { start: 500, end: 2500, step_s: 1 })).toEqual([[1000, 2]]);
  expect(wholeSteps(points, { start: 0, end: 3000, step_s: 1 })).toEqual(points);
  expect(wholeSteps(points.slice(0, 1), { start: 500, end: 800, step_s: 1 })).toEqual([[0, 1]]);
});

it('knows a gap from nothing', () => {
  expect(perSecond([[0, 30], [60, null], [120, 0]], 60)).toEqual([[0, 0.5], [60, null], [120, 0]]);
});

const counted = [
  { group: { version: 'v1', 'service.version': '' }, points: [[0, 30], [60, 0]] as const },
  { group: { version: '', 'service.version': 'v2' }, points: [[0, 0], [60, 10]] as const },
  { group: { version: '', 'service.version': '' }, points: [[0, 60], [60, 0]] as const },
];

it('tells versions by either tag, the newest first, with their share of all requests', () => {
  expect(versionsOf(counted).map(({ version, count, share, first, last }) => ({ version, count, share, first, last }))).toEqual([
    { version: 'v2', count: 10, share: 0.1, first: 60, last: 60 },
    { version: 'v1', count: 30, share: 0.3, first: 0, last: 0 },
  ]);
});

it('a version that was there from the begin was not released in the range', () => {
  expect(releases(versionsOf(counted))).toEqual([{ time: 60, label: 'v2' }]);
  expect(releases([])).toEqual([]);
});
