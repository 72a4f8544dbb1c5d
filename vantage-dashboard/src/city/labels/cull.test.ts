import { expect, it } from 'vitest';
import { cullLabels, type LabelBox } from './cull';

const box = (x: number, y: number, priority: number): LabelBox => ({ x, y, width: 80, height: 16, priority });
const viewport = { width: 800, height: 600 };

it('lets the more important of two overlapping labels win', () => {
  expect(cullLabels([box(100, 100, 1), box(130, 104, 9)], 150, viewport)).toEqual([1]);
});

it('shows both when they are apart', () => {
  expect(cullLabels([box(100, 100, 1), box(100, 130, 9), box(300, 100, 5)], 150, viewport)).toEqual([1, 2, 0]);
});

it('leaves out what is off the screen', () => {
  expect(cullLabels([box(-200, 100, 1), box(100, 700, 1), box(10, 100, 1)], 150, viewport)).toEqual([2]);
});

it('never shows more than the limit', () => {
  const many = Array.from({ length: 40 }, (_, i) => box((i % 8) * 100, Math.floor(i / 8) * 60 + 40, i));
  expect(cullLabels(many, 10, viewport)).toHaveLength(10);
});

it('shows no two overlapping labels in a crowd', () => {
  const crowd = Array.from({ length: 300 }, (_, i) => box((i * 137) % 800, (i * 71) % 600, (i * 31) % 17));
  const shown = cullLabels(crowd, 150, viewport).map((i) => crowd[i]!);
  for (const a of shown) for (const b of shown) if (a !== b) expect(Math.abs(a.x - b.x) >= 80 || Math.abs(a.y - b.y) >= 16).toBe(true);
});
