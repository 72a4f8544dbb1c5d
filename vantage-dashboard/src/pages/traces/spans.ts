import type { Api } from '../../api/types';

/** The spans of a trace as the API lists them: depth first, parents before children. Pure. */

export type Span = Api<'TreeSpan'>;
export type Trace = Api<'TraceTree'>;

/** Without those that stand below a collapsed one. */
export function visibleSpans(spans: readonly Span[], collapsed: ReadonlySet<string>): Span[] {
  const shown: Span[] = [];
  let hiddenBelow = Infinity;
  for (const span of spans) {
    if (span.depth > hiddenBelow) continue;
    hiddenBelow = collapsed.has(span.span_id) ? span.depth : Infinity;
    shown.push(span);
  }
  return shown;
}

/** Index of the row that stands above `index` in the tree; -1 for one at the top. */
export function parentRow(rows: readonly Span[], index: number): number {
  const depth = rows[index]?.depth ?? 0;
  for (let i = index - 1; i >= 0; i--) if (rows[i]!.depth < depth) return i;
  return -1;
}

/** A span with everything below it, and those above it from the top on. */
export function familyOf(spans: readonly Span[], spanId: string): { above: Span[]; family: Span[] } | null {
  const at = spans.findIndex((span) => span.span_id === spanId);
  if (at < 0) return null;
  const above: Span[] = [];
  for (let i = parentRow(spans, at); i >= 0; i = parentRow(spans, i)) above.unshift(spans[i]!);
  let end = at + 1;
  while (end < spans.length && spans[end]!.depth > spans[at]!.depth) end++;
  return { above, family: spans.slice(at, end) };
}

/** What to open so that a span can be seen. */
export function ancestorIds(spans: readonly Span[], spanId: string): string[] {
  return familyOf(spans, spanId)?.above.map((span) => span.span_id) ?? [];
}

/** Parts of the critical path by span. */
export function criticalSteps({ critical_path }: Trace): Map<string, Api<'CriticalStep'>[]> {
  const steps = new Map<string, Api<'CriticalStep'>[]>();
  for (const step of critical_path) {
    const known = steps.get(step.span_id);
    if (known) known.push(step);
    else steps.set(step.span_id, [step]);
  }
  return steps;
}

export interface Work {
  key: string;
  service: string;
  name: string;
  calls: number;
  errors: number;
  total_ms: number;
  self_ms: number;
  critical_ms: number;
  max_ms: number;
}

/** Spans of one service and name together: where the time went. */
export function workOf(spans: readonly Span[]): Work[] {
  const found = new Map<string, Work>();
  for (const span of spans) {
    const key = JSON.stringify([span.service, span.name]);
    const work = found.get(key) ?? { key, service: span.service, name: span.name, calls: 0, errors: 0, total_ms: 0, self_ms: 0, critical_ms: 0, max_ms: 0 };
    work.calls++;
    work.errors += span.status === 'error' ? 1 : 0;
    work.total_ms += span.duration;
    work.self_ms += span.self_ms;
    work.critical_ms += span.critical_ms;
    work.max_ms = Math.max(work.max_ms, span.duration);
    found.set(key, work);
  }
  return [...found.values()];
}

/** Milliseconds from the trace's begin to its last end. The root may end before what it started. */
export const lengthOf = (trace: Trace): number => trace.spans.reduce((end, span) => Math.max(end, span.offset + span.duration), Math.max(trace.duration, 1e-3));
