import type { Span, Trace } from './spans';

/** Spans for tests: depth first, as the API lists them. */
export const span = (span_id: string, depth: number, offset: number, duration: number, more: Partial<Span> = {}): Span => ({
  span_id, parent_span_id: '', service: 'shop', name: span_id, kind: 'server', start: 1000 + offset, offset, duration, status: 'ok', depth,
  place: depth === 0 ? 'root' : 'child', children: 0, self_ms: duration, critical_ms: 0, skew_ms: 0, ...more,
});

export const trace = (spans: Span[], more: Partial<Trace> = {}): Trace => ({
  trace_id: 't', start: 1000, duration: 100, span_count: spans.length, error_count: 0, truncated: false, root_count: 1, orphan_count: 0, main_span_id: spans[0]?.span_id ?? '',
  errors: [], services: [], critical_path: [], spans, ...more,
});

/** root ─ a ─ a1, a2; root ─ b ─ b1 */
export const FAMILY = [span('root', 0, 0, 100), span('a', 1, 10, 40), span('a1', 2, 12, 10), span('a2', 2, 30, 10), span('b', 1, 60, 30), span('b1', 2, 65, 5)];
