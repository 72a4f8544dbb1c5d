import { expect, it } from 'vitest';
import { barsOf, stepFor, totalsOf } from './histogram';

const ROWS = [[60_000, 'INFO', 5], [0, 'INFO', 10], [0, 'FATAL', 1], [0, 'ERROR', 2], [0, 'WARN', 4], [0, 'ODD', 1]];

it('stacks what is worst at the bottom', () => {
  expect(barsOf(ROWS, [])).toEqual([
    { time: 0, total: 18, parts: [{ tone: 'unhealthy', count: 3, below: 0 }, { tone: 'degraded', count: 4, below: 3 }, { tone: 'healthy', count: 11, below: 7 }] },
    { time: 60_000, total: 5, parts: [{ tone: 'healthy', count: 5, below: 0 }] },
  ]);
});

it('shows the chosen severities, and counts all of them', () => {
  expect(barsOf(ROWS, ['ERROR'])).toEqual([{ time: 0, total: 2, parts: [{ tone: 'unhealthy', count: 2, below: 0 }] }]);
  expect(totalsOf(ROWS)).toEqual({ FATAL: 1, ERROR: 2, WARN: 4, INFO: 15, DEBUG: 0, TRACE: 0 });
});

it('has few bars in any range', () => {
  for (const [ms, step] of [[60_000, 1], [3_600_000, 60], [86_400_000, 1800], [30 * 86_400_000, 43_200]] as const) expect(stepFor(ms)).toBe(step);
});
