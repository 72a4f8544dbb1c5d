import type { Span } from './spans';

/** Who called whom in one trace. Pure. */

export interface TraceNode {
  id: string;
  spans: number;
  errors: number;
  self_ms: number;
}

export interface TraceCall {
  caller: string;
  callee: string;
  count: number;
  errors: number;
  max_ms: number;
}

/** Takes spans depth first. A call is a span whose parent is another service's. */
export function traceMap(spans: readonly Span[]): { nodes: TraceNode[]; calls: TraceCall[] } {
  const nodes = new Map<string, TraceNode>(), calls = new Map<string, TraceCall>();
  const services = new Map(spans.map((span) => [span.span_id, span.service]));
  for (const span of spans) {
    const failed = span.status === 'error' ? 1 : 0;
    const node = nodes.get(span.service) ?? { id: span.service, spans: 0, errors: 0, self_ms: 0 };
    nodes.set(span.service, { ...node, spans: node.spans + 1, errors: node.errors + failed, self_ms: node.self_ms + span.self_ms });
    const caller = services.get(span.parent_span_id);
    if (caller === undefined || caller === span.service) continue;
    const key = JSON.stringify([caller, span.service]);
    const call = calls.get(key) ?? { caller, callee: span.service, count: 0, errors: 0, max_ms: 0 };
    calls.set(key, { ...call, count: call.count + 1, errors: call.errors + failed, max_ms: Math.max(call.max_ms, span.duration) });
  }
  return { nodes: [...nodes.values()], calls: [...calls.values()] };
}
