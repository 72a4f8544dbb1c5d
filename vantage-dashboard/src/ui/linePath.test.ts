import { expect, it } from 'vitest';
import { linePath } from './linePath';

it('reaches from the bottom for nothing to the top for the most', () => {
  expect(linePath([0, 5, 10], 100, 22)).toBe('M0.0,21.0L50.0,11.0L100.0,1.0');
});

it('breaks where nothing is known', () => {
  expect(linePath([1, null, 1], 100, 22)).toBe('M0.0,1.0M100.0,1.0');
});

it('draws nothing of nothing, and a flat line of zeros', () => {
  expect(linePath([], 100, 22)).toBe('');
  expect(linePath([0, 0], 100, 22)).toBe('M0.0,21.0L100.0,21.0');
});
