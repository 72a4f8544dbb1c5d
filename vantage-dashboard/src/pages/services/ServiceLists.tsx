import { useState, type ReactNode } from 'react';
import { Link } from 'react-router';
import type { Api } from '../../api/types';
import { useEnvironment, useLinkTo, useRange } from '../../app/address';
import { inertText } from '../../stream/logs';
import { DataTable } from '../../ui/DataTable';
import { clockTime, duration, percent, rate } from '../../ui/format';
import { Card } from '../../ui/Page';
import type { Column } from '../../ui/sortedRows';
import { Sparkline } from '../../ui/Sparkline';
import { Answer, type Asked as Question } from '../../ui/states';
import { useErrorLogs, useServiceMap, useTraces, type Asked } from './questions';
import type { Version } from './steps';

type Endpoint = Api<'Endpoint'>;

const Nothing = ({ children }: { children: ReactNode }) => <p className="soft nothing">{children}</p>;

/** Parameters that lead another page to this service. */
function useHere({ name, environment }: Asked): Record<string, string> {
  const [chosen] = useEnvironment();
  return chosen === '' ? { service: name, env: environment } : { service: name };
}

function errors(ratio: number) {
  return <span className={ratio >= 0.05 ? 'tone-unhealthy' : ratio >= 0.01 ? 'tone-degraded' : ''}>{percent(ratio)}</span>;
}

export function EndpointTable({ endpoints, of }: { endpoints: readonly Endpoint[]; of: Asked }) {
  const [sort, setSort] = useState('-count');
  const linkTo = useLinkTo();
  const here = useHere(of);
  const columns: Column<Endpoint>[] = [
    {
      key: 'endpoint',
      title: 'Endpoint',
      sortBy: ({ endpoint }) => endpoint,
      cell: ({ method, endpoint }) => <Link to={linkTo('/traces', { ...here, operation: endpoint })} title={`${method} ${endpoint}`}><span className="clamp"><span className="soft">{method}</span> {inertText(endpoint)}</span></Link>,
    },
    { key: 'count', title: 'Requests', numeric: true, sortBy: ({ count }) => count, cell: ({ count }) => rate(count) },
    { key: 'errors', title: 'Errors', numeric: true, sortBy: ({ error_ratio }) => error_ratio, cell: ({ error_ratio }) => errors(error_ratio) },
    { key: 'mean', title: 'Mean', numeric: true, wide: true, sortBy: ({ mean_ms }) => mean_ms, cell: ({ mean_ms }) => duration(mean_ms) },
    { key: 'p95', title: 'p95', numeric: true, sortBy: ({ p95_ms }) => p95_ms, cell: ({ p95_ms }) => duration(p95_ms) },
  ];
  return (
    <Card title="Endpoints">
      {endpoints.length === 0 ? <Nothing>No requests in this time.</Nothing> : <DataTable caption="Endpoints" columns={columns} rows={endpoints} rowKey={({ method, endpoint }) => `${method} ${endpoint}`} sort={sort} onSort={setSort} />}
    </Card>
  );
}

type Edge = Api<'MapEdge'>;
const KINDS: Record<Edge['kind'], string> = { service: '', messaging: 'by message', queue: 'queue', database: 'database', external: 'address' };

/** Who calls it, and whom it calls. */
export function CallTables({ of }: { of: Asked }) {
  const map = useServiceMap(of, useRange());
  const linkTo = useLinkTo();
  return (
    <Card title="Calls" tools={<Link to={linkTo('/traces', { tab: 'map', service: of.name })}>Service map</Link>}>
      <Answer of={map}>
        {({ nodes, edges }) => {
          const self = nodes.find(({ kind, name }) => kind === 'service' && name === of.name)?.id ?? '';
          const named = new Map(nodes.map((node) => [node.id, node]));
          const callers = edges.filter(({ callee }) => callee === self), callees = edges.filter(({ caller }) => caller === self);
          if (callers.length + callees.length === 0) return <Nothing>No calls in this time.</Nothing>;
          return (
            <>
              <Calls title="Called by" edges={callers} nodeOf={({ caller }) => named.get(caller)} />
              <Calls title="Calls" edges={callees} nodeOf={({ callee }) => named.get(callee)} />
            </>
          );
        }}
      </Answer>
    </Card>
  );
}

function Calls({ title, edges, nodeOf }: { title: string; edges: Edge[]; nodeOf: (edge: Edge) => Api<'MapNode'> | undefined }) {
  const linkTo = useLinkTo();
  const columns: Column<Edge>[] = [
    {
      key: 'name',
      title,
      cell: (edge) => {
        const node = nodeOf(edge), name = inertText(node?.name ?? '?');
        return <span className="clamp">{node?.kind === 'service' ? <Link to={linkTo(`/services/${encodeURIComponent(node.name)}`)}>{name}</Link> : name}{KINDS[edge.kind] !== '' && <span className="soft"> {KINDS[edge.kind]}</span>}</span>;
      },
    },
    { key: 'rps', title: 'Calls', numeric: true, cell: ({ rps }) => <>{rate(rps)}<small className="soft">/s</small></> },
    { key: 'errors', title: 'Errors', numeric: true, cell: ({ error_ratio }) => errors(error_ratio) },
    { key: 'p95', title: 'p95', numeric: true, cell: ({ p95_ms }) => duration(p95_ms) },
  ];
  return edges.length === 0 ? <Nothing>{title}: nobody in this time.</Nothing> : <DataTable caption={title} columns={columns} rows={edges} rowKey={({ caller, callee, kind }) => `${caller} ${callee} ${kind}`} />;
}

type Trace = Api<'TraceSummary'>;

export function TraceList({ of, which }: { of: Asked; which: 'slowest' | 'failed' }) {
  const traces = useTraces(of, useRange(), which);
  const linkTo = useLinkTo();
  const here = useHere(of);
  const columns: Column<Trace>[] = [
    { key: 'name', title: 'Trace', cell: ({ trace_id, name, service }) => <Link to={linkTo(`/traces/${trace_id}`)}><span className="clamp">{inertText(name)} <span className="soft">{inertText(service)}</span></span></Link> },
    { key: 'start', title: 'At', numeric: true, cell: ({ start }) => <time dateTime={new Date(start).toISOString()}>{clockTime(start, false)}</time> },
    { key: 'spans', title: 'Spans', numeric: true, wide: true, cell: ({ span_count, error_count }) => <>{span_count}{error_count > 0 && <span className="tone-unhealthy"> ({error_count} failed)</span>}</> },
    { key: 'duration', title: 'Duration', numeric: true, cell: (trace) => duration(trace.duration) },
  ];
  const title = which === 'slowest' ? 'Slowest traces' : 'Failed traces';
  return (
    <Card title={title} tools={<Link to={linkTo('/traces', { ...here, ...(which === 'slowest' ? { sort: 'slowest' } : { status: 'error' }) })}>All</Link>}>
      <Answer of={traces} empty={(found) => (found.traces.length === 0 ? <Nothing>{which === 'slowest' ? 'No traces in this time.' : 'No failed traces in this time.'}</Nothing> : null)}>
        {(found) => <DataTable caption={title} columns={columns} rows={found.traces} rowKey={({ trace_id }) => trace_id} />}
      </Answer>
    </Card>
  );
}

export function ErrorLogs({ of }: { of: Asked }) {
  const logs = useErrorLogs(of, useRange());
  const linkTo = useLinkTo();
  const here = useHere(of);
  return (
    <Card title="Recent error logs" tools={<Link to={linkTo('/logs', { ...here, severity: 'ERROR' })}>All logs</Link>}>
      <Answer of={logs} empty={(found) => (found.logs.length === 0 ? <Nothing>No error was logged in this time.</Nothing> : null)}>
        {(found) => (
          <ul className="error-logs">
            {found.logs.map(({ timestamp, severity, body, trace_id, span_id }, i) => (
              <li key={`${timestamp} ${span_id} ${i}`}>
                <time className="mono soft" dateTime={new Date(timestamp).toISOString()}>{clockTime(timestamp)}</time>
                <span className="tone-unhealthy error-level">{severity}</span>
                <span className="mono clamp error-body" title={inertText(body.slice(0, 2000))}>{inertText(body.slice(0, 400))}</span>
                {trace_id !== '' && <Link to={linkTo(`/traces/${trace_id}`, span_id === '' ? {} : { span: span_id })}>trace</Link>}
              </li>
            ))}
          </ul>
        )}
      </Answer>
    </Card>
  );
}

export function VersionTable({ of, asked, versions }: { of: Asked; asked: Question<unknown>; versions: readonly Version[] }) {
  const linkTo = useLinkTo();
  const here = useHere(of);
  const columns: Column<Version>[] = [
    { key: 'version', title: 'Version', cell: ({ version }) => <span className="mono clamp">{inertText(version)}</span> },
    { key: 'trend', title: 'Requests', wide: true, cell: ({ version, points }) => <Sparkline values={points.map(([, value]) => value)} label={`Requests to ${version} over time`} /> },
    { key: 'share', title: 'Share', numeric: true, cell: ({ share }) => percent(share) },
    { key: 'first', title: 'First in range', numeric: true, cell: ({ first }) => clockTime(first, false) },
    { key: 'last', title: 'Last', numeric: true, wide: true, cell: ({ last }) => clockTime(last, false) },
  ];
  const [to, from] = versions;
  return (
    <Card title="Versions" tools={to && from && <Link to={linkTo('/compare', { ...here, kind: 'versions', from: from.version, to: to.version })}>Compare {inertText(from.version)} with {inertText(to.version)}</Link>}>
      <Answer of={asked}>
        {() => (versions.length === 0 ? <Nothing>No request of this time names a version.</Nothing> : <DataTable caption="Versions" columns={columns} rows={versions} rowKey={({ version }) => version} />)}
      </Answer>
    </Card>
  );
}

const SHOWN_INSTANCES = 24;

export function Instances({ names }: { names: readonly string[] }) {
  const [isAll, setIsAll] = useState(false);
  const shown = isAll ? names : names.slice(0, SHOWN_INSTANCES);
  return (
    <Card title={`Instances (${names.length})`}>
      {names.length === 0 ? <Nothing>No request of this time names an instance.</Nothing> : (
        <ul className="instances mono">{shown.map((name) => <li key={name} title={name}><span className="clamp">{inertText(name)}</span></li>)}</ul>
      )}
      {shown.length < names.length && <button type="button" className="button" onClick={() => setIsAll(true)}>Show all {names.length}</button>}
    </Card>
  );
}
