import type { Api } from './types';

type Span = Api<'TraceSpan'>;

/** A trace as rows of a waterfall: parents before children, children by start. Pure. */
export interface WaterfallRow {
  span: Span;
  depth: number;
  /** Fractions of the whole trace. */
  offset: number;
  width: number;
}

const TOP = '';

export function waterfall(spans: readonly Span[]): WaterfallRow[] {
  if (spans.length === 0) return [];
  const known = new Set(spans.map((span) => span.span_id));
  const start = Math.min(...spans.map((span) => span.start));
  const end = Math.max(...spans.map((span) => span.start + span.duration));
  const total = Math.max(end - start, 1e-3);
  const children = new Map<string, Span[]>();
  for (const span of [...spans].sort((a, b) => a.start - b.start)) {
    // A span whose parent was lost stands at the top rather than nowhere.
    const parent = known.has(span.parent_span_id) && span.parent_span_id !== span.span_id ? span.parent_span_id : TOP;
    children.set(parent, [...(children.get(parent) ?? []), span]);
  }
  const rows: WaterfallRow[] = [];
  const visited = new Set<Span>();
  const walk = (parent: string, depth: number): void => {
    for (const span of children.get(parent) ?? []) {
      if (visited.has(span)) continue;
      visited.add(span);
      rows.push({ span, depth, offset: (span.start - start) / total, width: span.duration / total });
      walk(span.span_id, depth + 1);
    }
  };
  walk(TOP, 0);
  return rows;
}
