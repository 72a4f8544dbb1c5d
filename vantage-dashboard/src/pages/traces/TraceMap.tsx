import { useMemo } from 'react';
import { useLinkTo, useParameter } from '../../app/address';
import { inertText } from '../../stream/logs';
import { DataTable } from '../../ui/DataTable';
import { duration } from '../../ui/format';
import type { Column } from '../../ui/sortedRows';
import { ServiceGraph, type GraphCall, type GraphNode } from './ServiceGraph';
import type { Trace } from './spans';
import { traceMap, type TraceCall } from './traceMap';
import { Link } from 'react-router';

const keyOf = ({ caller, callee }: TraceCall): string => JSON.stringify([caller, callee]);

/** Who called whom in this trace. */
export function TraceMap({ trace }: { trace: Trace }) {
  const [selected, select] = useParameter('node');
  const [sort, setSort] = useParameter('sort', '-count');
  const { nodes, calls } = useMemo(() => traceMap(trace.spans), [trace]);
  const most = Math.max(...calls.map((call) => call.count), 1);
  const drawn = useMemo(() => ({ nodes: nodes.map(({ id, spans, errors, self_ms }): GraphNode => ({
    id, name: id, kind: 'service', tone: errors > 0 ? 'unhealthy' : 'healthy', glyph: errors > 0 ? '◆' : '●',
    figures: `${spans} ${spans === 1 ? 'span' : 'spans'} · self ${duration(self_ms)}${errors > 0 ? ` · ${errors} failed` : ''}`,
  })), calls: calls.map((call): GraphCall => ({
    id: keyOf(call), caller: call.caller, callee: call.callee, isAsync: false, tone: call.errors > 0 ? 'unhealthy' : 'unknown', weight: Math.log1p(call.count) / Math.log1p(most),
    figures: `${call.count} ${call.count === 1 ? 'call' : 'calls'}, longest ${duration(call.max_ms)}${call.errors > 0 ? `, ${call.errors} failed` : ''}`,
  })) }), [nodes, calls, most]);
  return (
    <>
      <ServiceGraph label="Services of this trace" nodes={drawn.nodes} calls={drawn.calls} selected={selected || null} onSelect={(id) => select(id ?? '')} />
      <DataTable caption="Calls between the services of this trace" columns={COLUMNS} rows={calls} rowKey={keyOf} sort={sort} onSort={setSort} isCurrent={(call) => [keyOf(call), call.caller, call.callee].includes(selected)} />
    </>
  );
}

const COLUMNS: readonly Column<TraceCall>[] = [
  { key: 'caller', title: 'Caller', cell: ({ caller }) => <ServiceLink name={caller} />, sortBy: ({ caller }) => caller },
  { key: 'callee', title: 'Callee', cell: ({ callee }) => <ServiceLink name={callee} />, sortBy: ({ callee }) => callee },
  { key: 'count', title: 'Calls', cell: ({ count }) => count, sortBy: ({ count }) => count, numeric: true },
  { key: 'errors', title: 'Failed', cell: ({ errors }) => (errors > 0 ? <span className="tone-unhealthy">◆ {errors}</span> : '0'), sortBy: ({ errors }) => errors, numeric: true },
  { key: 'max', title: 'Longest', cell: ({ max_ms }) => duration(max_ms), sortBy: ({ max_ms }) => max_ms, numeric: true },
];

function ServiceLink({ name }: { name: string }) {
  const linkTo = useLinkTo();
  return <Link to={linkTo(`/services/${encodeURIComponent(name)}`)}>{inertText(name)}</Link>;
}
