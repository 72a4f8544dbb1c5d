import type { Span } from './spans';

/** A span as a block of the flame graph. */
export interface Block {
  span: Span;
  /** Rows below the top; at least one more than its parent's. */
  row: number;
}

/**
 * Spans as an icicle: by time from left to right, children below their parent, and none over another.
 * Siblings that ran at the same time stand below each other. Takes spans depth first.
 */
export function icicle(spans: readonly Span[]): Block[] {
  // A child never lies before its parent, whatever its clock says: rows are given by begin, parents first.
  const begins: number[] = [], parents: number[] = [], open: number[] = [];
  spans.forEach((span, i) => {
    while (open.length > 0 && spans[open.at(-1)!]!.depth >= span.depth) open.pop();
    const parent = open.at(-1) ?? -1;
    parents.push(parent);
    begins.push(Math.max(span.offset, begins[parent] ?? -Infinity));
    open.push(i);
  });
  const order = spans.map((_, i) => i).sort((a, b) => begins[a]! - begins[b]! || a - b);
  const rows: number[] = [], ends: number[] = [];
  for (const i of order) {
    let row = parents[i]! < 0 ? 0 : rows[parents[i]!]! + 1;
    while ((ends[row] ?? -Infinity) > spans[i]!.offset) row++;
    rows[i] = row;
    ends[row] = Math.max(ends[row] ?? -Infinity, spans[i]!.offset + spans[i]!.duration);
  }
  return spans.map((span, i) => ({ span, row: rows[i]! }));
}
