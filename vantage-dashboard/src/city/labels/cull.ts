/** Which labels may be shown: the most important first, none over another. Pure. */

export interface LabelBox {
  /** Centre of the bottom edge, in CSS pixels. */
  x: number;
  y: number;
  width: number;
  height: number;
  /** Higher wins. */
  priority: number;
}

const GAP_PX = 3;

/** Indexes of the boxes to show, most important first. */
export function cullLabels(boxes: readonly LabelBox[], limit: number, viewport: { width: number; height: number }): number[] {
  const order = boxes.map((_, i) => i).sort((a, b) => boxes[b]!.priority - boxes[a]!.priority || a - b);
  const shown: number[] = [];
  for (const i of order) {
    if (shown.length >= limit) break;
    const box = boxes[i]!;
    if (outside(box, viewport)) continue;
    if (shown.every((other) => !overlap(box, boxes[other]!))) shown.push(i);
  }
  return shown;
}

function outside(box: LabelBox, viewport: { width: number; height: number }): boolean {
  return box.x + box.width / 2 < 0 || box.x - box.width / 2 > viewport.width || box.y < 0 || box.y - box.height > viewport.height;
}

function overlap(a: LabelBox, b: LabelBox): boolean {
  return Math.abs(a.x - b.x) * 2 < a.width + b.width + GAP_PX * 2 && a.y - a.height < b.y + GAP_PX && b.y - b.height < a.y + GAP_PX;
}
