import { useQuery } from '@tanstack/react-query';
import { lazy, Suspense } from 'react';
import { Link } from 'react-router';
import { answer, http } from '../api/client';
import type { Api, ServiceName } from '../api/types';
import { Button } from '../ui/Button';
import { inertText } from '../stream/logs';
import { clockTime, duration, percent, rate } from '../ui/format';
import { StatusMark } from '../ui/StatusMark';
import type { ServiceRow } from '../world/model';
import { statusLook } from '../world/status';
import type { Neighbours } from './neighbours';
import './service.css';

const TimeChart = lazy(() => import('../ui/TimeChart'));

export interface ServicePanelProps {
  row: ServiceRow;
  neighbours: Neighbours;
  /** The moment that is looked at, in epoch ms; null is now. */
  at: number | null;
  /** Pages with more of it. */
  links: readonly { name: string; to: string }[];
  onPick: (id: string) => void;
  onClose: () => void;
  /** Where there is a city to fly in. */
  onFly: (() => void) | null;
  onLogs: (service: string) => void;
  onTrace: (traceId: string) => void;
}

const REFRESH_MS = 5000;
const HISTORY_MS = 15 * 60_000;
const HISTORY_STEP_S = 15;
const ERRORS_STEP_S = 60;
const METRIC = 'http.request.duration';

/** The quarter of an hour up to a moment, or to now. */
function rangeTo(at: number | null): { start: string; end: string } {
  const end = at ?? Date.now();
  return { start: String(Math.round(end - HISTORY_MS)), end: String(Math.round(end)) };
}

/** What was does not change. */
const refetchInterval = (at: number | null) => (at === null ? REFRESH_MS : false);

export function ServicePanel({ row, neighbours, at, links, onPick, onClose, onFly, onLogs, onTrace }: ServicePanelProps) {
  const { glyph, tone, word } = statusLook(row.status);
  const detail = useQuery({
    queryKey: ['service', row.id, at],
    queryFn: ({ signal }) => answer(http.GET('/api/services/{service}', { params: { path: { service: row.name }, query: { environment: row.environment, ...(at !== null && rangeTo(at)) } }, signal })),
    // Of the same service, a moment earlier.
    placeholderData: (before) => before,
    refetchInterval: refetchInterval(at),
  });
  return (
    <aside className="service panel" data-covers data-testid="service-panel" data-service={row.id} data-own-keys aria-label={`Service ${row.name}`}>
      <header>
        <div>
          <h2>{inertText(row.name)}</h2>
          <p className="soft">{inertText(row.environment)} · {inertText(row.district)}{at === null && detail.data?.version ? ` · ${inertText(detail.data.version)}` : ''}</p>
        </div>
        <Button className="ghost" onClick={onClose} aria-label="Close">✕</Button>
      </header>
      <div className="service-scroll" tabIndex={0}>
        <p className={`service-status tone-${tone}`}>
          <span aria-hidden="true">{glyph}</span> {word}
          <span className="service-score num">{row.health ?? '–'}</span>
        </p>
        <dl className="service-figures num">
          <div><dt>Requests</dt><dd data-testid="service-rps">{rate(row.rps)}<small>/s</small></dd></div>
          <div><dt>Errors</dt><dd data-testid="service-errors">{percent(row.errorRatio)}</dd></div>
          <div><dt>p95</dt><dd data-testid="service-p95">{duration(row.p95Ms)}</dd></div>
          <div><dt>Pods</dt><dd data-testid="service-pods">{row.pods}</dd></div>
        </dl>
        <Causes causes={neighbours.causes} onPick={onPick} />
        <History of={row} at={at} agg="count" title="Requests per second" format={rate} tone="healthy" />
        <ErrorHistory of={row} at={at} />
        <History of={row} at={at} agg="p95" title="p95 duration" format={duration} tone="degraded" />
        {at === null && <HealthFactors of={row} />}
        <Calls neighbours={neighbours} name={row.name} onPick={onPick} />
        {detail.data && <Endpoints detail={detail.data} />}
        {detail.isError && <p className="soft">{detail.error.message}</p>}
        <FailedTraces of={row} at={at} onTrace={onTrace} />
      </div>
      <footer>
        <nav aria-label={`Pages of ${inertText(row.name)}`}>{links.map((link) => <Link key={link.name} to={link.to}>{link.name}</Link>)}</nav>
        <Button onClick={() => onLogs(row.name)}>Logs in the Black Box</Button>
        {onFly && <Button onClick={onFly}>Fly there</Button>}
      </footer>
    </aside>
  );
}

interface HistoryProps {
  of: ServiceName;
  at: number | null;
  agg: 'count' | 'p95';
  title: string;
  format: (value: number) => string;
  tone: 'healthy' | 'degraded';
}

function History({ of: { name, environment }, at, agg, title, format, tone }: HistoryProps) {
  const { data } = useQuery({
    queryKey: ['timeseries', environment, name, agg, at],
    queryFn: ({ signal }) => {
      const query = { service: [name], environment, metric: METRIC, agg, ...rangeTo(at), step: HISTORY_STEP_S };
      return answer(http.GET('/api/metrics/timeseries', { params: { query }, signal }));
    },
    placeholderData: (before) => before,
    refetchInterval: refetchInterval(at),
  });
  const points = data?.series[0]?.points ?? (data && []);
  const shown = agg === 'count' ? points?.map(([time, count]): [number, number | null] => [time, count === null ? null : count / HISTORY_STEP_S]) : points;
  return <Chart title={title} points={shown} format={format} tone={tone} />;
}

/** The share of failed requests, by the minute as the history of health keeps it. */
function ErrorHistory({ of: { name, environment }, at }: { of: ServiceName; at: number | null }) {
  const { data } = useQuery({
    queryKey: ['errors', environment, name, at],
    queryFn: ({ signal }) => answer(http.GET('/health/history/{service}', { params: { path: { service: name }, query: { environment, ...rangeTo(at), step: ERRORS_STEP_S } }, signal })),
    placeholderData: (before) => before,
    refetchInterval: refetchInterval(at),
  });
  return <Chart title="Errors" points={data?.points.map(({ timestamp, error_ratio }) => [timestamp, error_ratio] as [number, number | null])} format={percent} tone="unhealthy" />;
}

interface ChartProps {
  title: string;
  /** undefined while they are on their way. */
  points: [number, number | null][] | undefined;
  format: (value: number) => string;
  tone: 'healthy' | 'degraded' | 'unhealthy';
}

function Chart({ title, points, format, tone }: ChartProps) {
  return (
    <section>
      <h3>{title}<span className="soft"> 15 min</span></h3>
      <div className="service-chart">
        {points && points.length > 1 ? (
          <Suspense fallback={null}>
            <TimeChart points={points} format={format} tone={tone} height={56} />
          </Suspense>
        ) : (
          <p className="soft">{points ? 'No samples in this time.' : 'Loading…'}</p>
        )}
      </div>
    </section>
  );
}

const FACTOR_NAMES: Record<string, string> = { error_rate: 'Errors', response_time: 'Response time', availability: 'Availability', request_rate: 'Request rate' };

function HealthFactors({ of }: { of: ServiceName }) {
  const { data } = useQuery({
    queryKey: ['health', of.environment, of.name],
    queryFn: ({ signal }) => answer(http.GET('/health/score/{service}', { params: { path: { service: of.name }, query: { environment: of.environment } }, signal })),
    refetchInterval: REFRESH_MS,
  });
  if (!data) return null;
  return (
    <section>
      <h3>What makes the score</h3>
      <ul className="factors">
        {Object.entries(data.factors).map(([name, factor]) => (
          <li key={name}>
            <span>{FACTOR_NAMES[name] ?? name}</span>
            <meter min={0} max={100} low={50} high={80} optimum={100} value={factor.score ?? 0} aria-label={FACTOR_NAMES[name] ?? name} />
            <span className="num">{factorText(factor)}</span>
          </li>
        ))}
      </ul>
    </section>
  );
}

function factorText({ score, state }: Api<'HealthFactor'>): string {
  if (state === 'learning') return 'learning';
  return state === 'no_data' || score === null ? 'no data' : String(Math.round(score));
}

function Endpoints({ detail }: { detail: Api<'ServiceDetail'> }) {
  if (detail.endpoints.length === 0) return null;
  return (
    <section>
      <h3>Endpoints</h3>
      <table className="num">
        <thead><tr><th scope="col">Endpoint</th><th scope="col">Count</th><th scope="col">Errors</th><th scope="col">p95</th></tr></thead>
        <tbody>
          {detail.endpoints.slice(0, 8).map((e) => (
            <tr key={`${e.method} ${e.endpoint}`}>
              <th scope="row" title={inertText(`${e.method} ${e.endpoint}`)}><span className="soft">{e.method}</span> {inertText(e.endpoint)}</th>
              <td>{rate(e.count)}</td>
              <td className={e.error_ratio > 0.01 ? 'tone-unhealthy' : ''}>{percent(e.error_ratio)}</td>
              <td>{duration(e.p95_ms)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}

/** The way from here to where the trouble begins. */
function Causes({ causes, onPick }: { causes: Neighbours['causes']; onPick: (id: string) => void }) {
  if (causes.length === 0) return null;
  return (
    <section className="causes" data-testid="causes">
      <h3>Probable cause</h3>
      <ul>
        {causes.slice(0, CAUSES_SHOWN).map(({ row, via }) => (
          <li key={row.id}>
            <button type="button" onClick={() => onPick(row.id)}>
              <Mark row={row} />
              <span className="soft">{via.length === 0 ? 'called directly' : `by way of ${via.map(({ name }) => inertText(name)).join(' → ')}`}</span>
            </button>
          </li>
        ))}
      </ul>
    </section>
  );
}

const CAUSES_SHOWN = 3;
const CALLS_SHOWN = 6;

function Mark({ row }: { row: ServiceRow }) {
  const { glyph, tone, word } = statusLook(row.status);
  return <><StatusMark glyph={glyph} tone={tone} /><span className="visually-hidden"> {word}</span> <b>{inertText(row.name)}</b></>;
}

/** Upstream and downstream, in words. */
function Calls({ neighbours: { callers, callees, isEntered, upstream, downstream }, name, onPick }: { neighbours: Neighbours; name: string; onPick: (id: string) => void }) {
  return (
    <section data-testid="calls">
      <h3>Called by<span className="soft"> {upstream === 0 ? (isEntered ? 'clients only' : 'nobody known') : `${upstream} upstream in all${isEntered ? ', and clients' : ''}`}</span></h3>
      <CallList rows={callers} label={`Services that call ${inertText(name)}`} onPick={onPick} />
      <h3>Calls<span className="soft"> {downstream === 0 ? 'nobody known' : `${downstream} downstream in all`}</span></h3>
      <CallList rows={callees} label={`Services that ${inertText(name)} calls`} onPick={onPick} />
    </section>
  );
}

function CallList({ rows, label, onPick }: { rows: readonly ServiceRow[]; label: string; onPick: (id: string) => void }) {
  if (rows.length === 0) return null;
  return (
    <ul className="calls num" aria-label={label}>
      {rows.slice(0, CALLS_SHOWN).map((row) => (
        <li key={row.id}>
          <button type="button" onClick={() => onPick(row.id)}>
            <span className="calls-name"><Mark row={row} /></span>
            <span>{rate(row.rps)}/s</span>
            <span className={(row.errorRatio ?? 0) > 0.01 ? 'tone-unhealthy' : 'soft'}>{percent(row.errorRatio)}</span>
            <span className="soft">{duration(row.p95Ms)}</span>
          </button>
        </li>
      ))}
      {rows.length > CALLS_SHOWN && <li className="soft">and {rows.length - CALLS_SHOWN} more</li>}
    </ul>
  );
}

function FailedTraces({ of: { name, environment }, at, onTrace }: { of: ServiceName; at: number | null; onTrace: (traceId: string) => void }) {
  const { data } = useQuery({
    queryKey: ['failed-traces', environment, name, at],
    queryFn: ({ signal }) => answer(http.GET('/traces/search', { params: { query: { service: name, environment, status: 'error', limit: 6, ...(at !== null && rangeTo(at)) } }, signal })),
    placeholderData: (before) => before,
    refetchInterval: refetchInterval(at),
  });
  if (!data || data.traces.length === 0) return null;
  return (
    <section>
      <h3>{at === null ? 'Recent failed traces' : 'Failed traces before'}</h3>
      <ul className="traces">
        {data.traces.map((trace) => (
          <li key={trace.trace_id}>
            <button type="button" onClick={() => onTrace(trace.trace_id)}>
              <span className="mono soft">{clockTime(trace.start, false)}</span>
              <span className="traces-name">{inertText(trace.name)}</span>
              <span className="num">{duration(trace.duration)}</span>
            </button>
          </li>
        ))}
      </ul>
    </section>
  );
}
