import { describe, expect, it } from 'vitest';
import { cullLabels, isCovered, labelBudget, labelPriority, type LabelBox, type Overlay } from './cull';

const box = (x: number, y: number, priority: number): LabelBox => ({ x, y, width: 80, height: 16, priority });
const viewport = { width: 800, height: 600 };
const indexes = (boxes: readonly LabelBox[], ...rest: [limit: number, size: typeof viewport, overlays?: readonly Overlay[]]) => cullLabels(boxes, ...rest).map((shown) => boxes.indexOf(shown));

it('lets the more important of two overlapping labels win', () => {
  expect(indexes([box(100, 100, 1), box(130, 104, 9)], 150, viewport)).toEqual([1]);
});

it('shows both when they are apart', () => {
  expect(indexes([box(100, 100, 1), box(100, 130, 9), box(300, 100, 5)], 150, viewport)).toEqual([1, 2, 0]);
});

it('leaves out what is off the screen', () => {
  expect(indexes([box(-200, 100, 1), box(100, 700, 1), box(10, 100, 1), box(790, 100, 1), box(300, 9, 1), box(41, 100, 1)], 150, viewport)).toEqual([5]);
});

it('never shows more than the limit', () => {
  const many = Array.from({ length: 40 }, (_, i) => box((i % 8) * 90 + 50, Math.floor(i / 8) * 60 + 40, i));
  expect(cullLabels(many, 10, viewport)).toHaveLength(10);
});

it('shows no two overlapping labels in a crowd', () => {
  const crowd = Array.from({ length: 300 }, (_, i) => box((i * 137) % 800, (i * 71) % 600, (i * 31) % 17));
  const shown = cullLabels(crowd, 150, viewport);
  for (const a of shown) for (const b of shown) if (a !== b) expect(Math.abs(a.x - b.x) >= 80 || Math.abs(a.y - b.y) >= 16).toBe(true);
});

it('shows none under a panel', () => {
  const panel = { left: 0, top: 0, right: 240, bottom: 200 };
  expect(indexes([box(100, 100, 9), box(260, 100, 9), box(400, 100, 1), box(100, 225, 1)], 150, viewport, [panel])).toEqual([2, 3]);
});

it.each([[100, 100, true], [240, 200, true], [241, 100, false], [100, 201, false]])('the point %d, %d is covered: %s', (x, y, covered) => {
  expect(isCovered({ x, y }, [{ left: 0, top: 0, right: 240, bottom: 200 }])).toBe(covered);
});

describe('from afar', () => {
  it('a picture bears fewer names, but always some', () => {
    const budgets = [2, 12, 20, 30, 46, 200].map(labelBudget);
    expect(budgets).toEqual([...budgets].sort((a, b) => a - b));
    expect(budgets[0]).toBeGreaterThan(4);
    expect(budgets.at(-1)).toBeGreaterThan(100);
  });

  it('while one is selected, its callers and callees come before the unwell, the nearer first', () => {
    const claim = { selected: false, hovered: false, status: 1, load: 0, shown: false };
    const falling = [{ ...claim, hops: 1 }, { ...claim, hops: 4 }, { ...claim, status: 3, load: 1 }].map(labelPriority);
    expect(falling).toEqual([...falling].sort((a, b) => b - a));
  });

  it('news of a healthy one come before the unwell', () => {
    const claim = { selected: false, hovered: false, status: 1, load: 0, shown: false };
    expect(labelPriority({ ...claim, news: true })).toBeGreaterThan(labelPriority({ ...claim, status: 2, load: 1 }));
  });

  it('the unwell come first, then the busiest', () => {
    const claim = { selected: false, hovered: false, status: 1, load: 0, shown: false };
    const falling = [{ ...claim, selected: true }, { ...claim, hovered: true, load: 1 }, { ...claim, status: 3 }, { ...claim, status: 2 }, { ...claim, load: 0.8 }, { ...claim, load: 0.3, status: 0 }].map(labelPriority);
    expect(falling).toEqual([...falling].sort((a, b) => b - a));
  });

  it('equals do not take turns', () => {
    const claim = { selected: false, hovered: false, status: 1, load: 0.5, shown: false };
    expect(labelPriority({ ...claim, shown: true })).toBeGreaterThan(labelPriority({ ...claim, load: 0.54 }));
  });
});
