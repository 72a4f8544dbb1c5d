import { useQuery } from '@tanstack/react-query';
import { useMemo, useState } from 'react';
import { Link } from 'react-router';
import { answer, http } from '../../api/client';
import type { Api } from '../../api/types';
import { useEnvironment, useLinkTo, useParameter, useRange } from '../../app/address';
import { comingBack } from '../../app/queries';
import { useServices } from '../../app/services';
import { inertText } from '../../stream/logs';
import { Button } from '../../ui/Button';
import { DataTable } from '../../ui/DataTable';
import { duration, percent, rate } from '../../ui/format';
import type { Column } from '../../ui/sortedRows';
import { Answer, EmptyState } from '../../ui/states';
import { SuggestField } from '../../ui/SuggestField';
import { statusLook, statusOfWord } from '../../world/status';
import { ServiceGraph, type GraphCall, type GraphNode, type Tone } from './ServiceGraph';

type ServiceMap = Api<'ServiceMap'>;
type Edge = Api<'MapEdge'>;

const MAP_EVERY_MS = 15_000;
/** From which share of failed calls on a line is marked; the legend says so. */
const SICK_RATIO = 0.05;
const AILING_RATIO = 0.01;

/** Who calls whom, over the range. */
export function ServiceMapTab() {
  const range = useRange();
  const [environment] = useEnvironment();
  const [service, setService] = useParameter('service');
  const services = useServices();
  const map = useQuery({
    queryKey: ['traces', 'map', service, environment, range.key],
    queryFn: ({ signal }) =>
      answer(http.GET('/traces/service-map', { params: { query: { ...range.query(), ...(service !== '' && { service }), ...(environment !== '' && { environment }) } }, signal })),
    placeholderData: (before, query) => (query?.queryKey[2] === service && query.queryKey[3] === environment ? before : undefined),
    refetchInterval: comingBack(range.refetchInterval && Math.max(range.refetchInterval, MAP_EVERY_MS)),
  });
  const names = [...new Set(services.data?.services.map((each) => each.service_name))];
  return (
    <>
      <div className="trace-filters">
        <SuggestField label="Around the service" quiet placeholder="All services" free value={service} suggestions={names.map((value) => ({ value }))} onChoose={setService} />
        {service !== '' && <Button className="ghost" onClick={() => setService('')}>Show all</Button>}
        <span className="waterfall-legend soft">line width: calls a second · dashed: by a queue · ▲ from 1%, ◆ from 5% failed</span>
      </div>
      <Answer of={map} empty={({ nodes }) => (nodes.length === 0 ? <EmptyState title="No calls in this range">Services that call each other appear here, from their spans or from their request metrics.</EmptyState> : null)}>
        {(data) => <Map map={data} />}
      </Answer>
    </>
  );
}

const keyOf = ({ caller, callee, kind }: Edge): string => JSON.stringify([caller, callee, kind]);

function Map({ map }: { map: ServiceMap }) {
  const [selected, select] = useParameter('node');
  const [sort, setSort] = useParameter('sort', '-rps');
  const { nodes, calls } = useDrawn(map);
  const names = useMemo(() => Object.fromEntries(map.nodes.map(({ id, name }) => [id, name])), [map]);
  return (
    <div className="map">
      <div className="map-drawing">
        <ServiceGraph label="Service map" nodes={nodes} calls={calls} selected={selected || null} onSelect={(id) => select(id ?? '')} />
        <Chosen map={map} names={names} selected={selected} onSelect={select} />
      </div>
      {map.truncated && <p className="trace-note" role="status"><span className="tone-degraded" aria-hidden="true">▲ </span>There are more calls than are shown; these are the busiest.</p>}
      <DataTable caption="Calls" columns={columnsOf(names)} rows={map.edges} rowKey={keyOf} sort={sort} onSort={setSort} isCurrent={(edge) => [keyOf(edge), edge.caller, edge.callee].includes(selected)} />
    </div>
  );
}

/** The shape of the map is kept while only its figures move: it must not be laid out anew every few seconds. */
function useDrawn(map: ServiceMap): { nodes: GraphNode[]; calls: GraphCall[] } {
  const services = useServices();
  const [environment] = useEnvironment();
  return useMemo(() => {
    const status = new globalThis.Map<string, ReturnType<typeof statusOfWord>>();
    for (const each of services.data?.services ?? []) {
      if (environment !== '' && each.environment !== environment) continue;
      const word = statusOfWord(each.status);
      status.set(each.service_name, Math.max(status.get(each.service_name) ?? 0, word) as ReturnType<typeof statusOfWord>);
    }
    const busiest = Math.max(...map.edges.map((edge) => edge.rps), Number.MIN_VALUE);
    const nodes = [...map.nodes].sort((a, b) => a.id.localeCompare(b.id)).map((node): GraphNode => {
      const look = statusLook(node.kind === 'service' ? (status.get(node.name) ?? 0) : 0);
      return { id: node.id, name: node.name, kind: node.kind, tone: look.tone, glyph: look.glyph, figures: `${rate(node.rps)}/s · ${percent(node.error_ratio)} · p95 ${duration(node.p95_ms)}` };
    });
    const calls = [...map.edges].sort((a, b) => keyOf(a).localeCompare(keyOf(b))).map((edge): GraphCall => ({
      id: keyOf(edge),
      caller: edge.caller,
      callee: edge.callee,
      isAsync: edge.kind === 'messaging' || edge.kind === 'queue',
      tone: toneOf(edge.error_ratio),
      weight: Math.log1p(edge.rps * 60) / Math.log1p(busiest * 60),
      figures: figuresOf(edge),
    }));
    return { nodes, calls };
  }, [map, services.data, environment]);
}

const toneOf = (ratio: number): Tone => (ratio >= SICK_RATIO ? 'unhealthy' : ratio >= AILING_RATIO ? 'degraded' : 'unknown');
const glyphOf = (ratio: number): string => (ratio >= SICK_RATIO ? '◆ ' : ratio >= AILING_RATIO ? '▲ ' : '');
const figuresOf = (edge: Edge): string => `${rate(edge.rps)}/s, ${percent(edge.error_ratio)} failed, p95 ${duration(edge.p95_ms)}`;

function columnsOf(names: Record<string, string>): Column<Edge>[] {
  const nameOf = (id: string) => inertText(names[id] ?? id);
  return [
    { key: 'caller', title: 'Caller', cell: ({ caller }) => <NodeLink id={caller} name={nameOf(caller)} />, sortBy: ({ caller }) => nameOf(caller) },
    { key: 'callee', title: 'Callee', cell: ({ callee }) => <NodeLink id={callee} name={nameOf(callee)} />, sortBy: ({ callee }) => nameOf(callee) },
    { key: 'rps', title: 'Calls/s', cell: ({ rps }) => rate(rps), sortBy: ({ rps }) => rps, numeric: true },
    { key: 'errors', title: 'Failed', cell: ({ error_ratio }) => <span className={`tone-${toneOf(error_ratio) === 'unknown' ? '' : toneOf(error_ratio)}`}>{glyphOf(error_ratio)}{percent(error_ratio)}</span>, sortBy: ({ error_ratio }) => error_ratio, numeric: true },
    { key: 'p50', title: 'p50', cell: ({ p50_ms }) => duration(p50_ms), sortBy: ({ p50_ms }) => p50_ms, numeric: true, wide: true },
    { key: 'p95', title: 'p95', cell: ({ p95_ms }) => duration(p95_ms), sortBy: ({ p95_ms }) => p95_ms, numeric: true },
    { key: 'source', title: 'Known from', cell: ({ source }) => (source === 'metric' ? 'metrics' : 'spans'), sortBy: ({ source }) => source, wide: true },
  ];
}

/** Databases, queues and addresses have no page of their own. */
function NodeLink({ id, name }: { id: string; name: string }) {
  const linkTo = useLinkTo();
  return id.startsWith('service:') ? <Link to={linkTo(`/services/${encodeURIComponent(name)}`)}>{name}</Link> : <>{name}</>;
}

interface ChosenProps {
  map: ServiceMap;
  names: Record<string, string>;
  selected: string;
  onSelect: (id: string) => void;
}

/** The chosen service or call in words, and where to go on from it. */
function Chosen({ map, names, selected, onSelect }: ChosenProps) {
  const node = map.nodes.find(({ id }) => id === selected), edge = map.edges.find((each) => keyOf(each) === selected);
  const linkTo = useLinkTo();
  if (!node && !edge) return null;
  const callee = edge ? names[edge.callee] ?? edge.callee : '';
  return (
    <aside className="map-chosen" aria-label="Chosen" data-testid="map-chosen">
      <header>
        <h2>{node ? inertText(node.name) : `${inertText(names[edge!.caller] ?? edge!.caller)} → ${inertText(callee)}`}</h2>
        <Button className="ghost" aria-label="Close" onClick={() => onSelect('')}>✕</Button>
      </header>
      {node && (
        <>
          <p className="soft num">{node.kind} · {rate(node.rps)}/s · {percent(node.error_ratio)} failed · p95 {duration(node.p95_ms)}</p>
          {node.kind === 'service' && (
            <p className="span-links">
              <Link to={linkTo(`/services/${encodeURIComponent(node.name)}`)}>Service</Link>
              <Link to={linkTo('/traces', { service: node.name })}>Its traces</Link>
              <Link to={linkTo('/traces', { service: node.name, status: 'error' })}>Its failed traces</Link>
              <Link to={linkTo('/logs', { service: node.name })}>Its logs</Link>
            </p>
          )}
          <Neighbours title="Called by" edges={map.edges.filter(({ callee: id }) => id === node.id)} other={({ caller }) => caller} names={names} onSelect={onSelect} />
          <Neighbours title="Calls" edges={map.edges.filter(({ caller }) => caller === node.id)} other={({ callee: id }) => id} names={names} onSelect={onSelect} />
        </>
      )}
      {edge && (
        <>
          <p className="soft num">{figuresOf(edge)} · p50 {duration(edge.p50_ms)} · {edge.count.toLocaleString('en-US')} calls</p>
          <p className="span-links">
            {edge.callee.startsWith('service:') && <Link to={linkTo('/traces', { service: callee })}>Traces through {inertText(callee)}</Link>}
            {edge.callee.startsWith('service:') && <Link to={linkTo('/traces', { service: callee, status: 'error' })}>Failed ones</Link>}
            {!edge.callee.startsWith('service:') && <Link to={linkTo('/traces', { service: names[edge.caller] ?? edge.caller })}>Traces of the caller</Link>}
          </p>
        </>
      )}
    </aside>
  );
}

const MOST_NEIGHBOURS = 6;

function Neighbours({ title, edges, other, names, onSelect }: { title: string; edges: readonly Edge[]; other: (edge: Edge) => string; names: Record<string, string>; onSelect: (id: string) => void }) {
  const [isWhole, setIsWhole] = useState(false);
  if (edges.length === 0) return null;
  return (
    <section>
      <h3>{title}</h3>
      <ul>
        {edges.slice(0, isWhole ? undefined : MOST_NEIGHBOURS).map((edge) => (
          <li key={keyOf(edge)}><button type="button" className="link" onClick={() => onSelect(other(edge))}>{inertText(names[other(edge)] ?? other(edge))}</button> <span className="soft num">{rate(edge.rps)}/s{edge.error_ratio >= AILING_RATIO && <span className={`tone-${toneOf(edge.error_ratio)}`}> {glyphOf(edge.error_ratio)}{percent(edge.error_ratio)}</span>}</span></li>
        ))}
      </ul>
      {edges.length > MOST_NEIGHBOURS && !isWhole && <Button onClick={() => setIsWhole(true)}>All {edges.length}</Button>}
    </section>
  );
}
