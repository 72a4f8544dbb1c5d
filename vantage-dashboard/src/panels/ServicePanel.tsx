import { useQuery } from '@tanstack/react-query';
import { lazy, Suspense } from 'react';
import { answer, http } from '../api/client';
import type { Api, ServiceName } from '../api/types';
import { Button } from '../ui/Button';
import { clockTime, duration, percent, rate } from '../ui/format';
import type { ServiceRow } from '../world/model';
import { statusLook } from '../world/status';
import './service.css';

const TimeChart = lazy(() => import('../ui/TimeChart'));

export interface ServicePanelProps {
  row: ServiceRow;
  onClose: () => void;
  onFly: () => void;
  onLogs: (service: string) => void;
  onTrace: (traceId: string) => void;
}

const REFRESH_MS = 5000;
const HISTORY_MS = 15 * 60_000;
const HISTORY_STEP_S = 15;
const METRIC = 'http.request.duration';

export function ServicePanel({ row, onClose, onFly, onLogs, onTrace }: ServicePanelProps) {
  const { glyph, tone, word } = statusLook(row.status);
  const detail = useQuery({
    queryKey: ['service', row.id],
    queryFn: ({ signal }) => answer(http.GET('/api/services/{service}', { params: { path: { service: row.name }, query: { environment: row.environment } }, signal })),
    refetchInterval: REFRESH_MS,
  });
  return (
    <aside className="service panel" data-covers data-testid="service-panel" data-service={row.id} data-own-keys aria-label={`Service ${row.name}`}>
      <header>
        <div>
          <h2>{row.name}</h2>
          <p className="soft">{row.environment} · {row.district}{detail.data?.version ? ` · ${detail.data.version}` : ''}</p>
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
        <History of={row} agg="rate" title="Requests per second" format={rate} tone="healthy" />
        <History of={row} agg="p95" title="p95 duration" format={duration} tone="degraded" />
        <HealthFactors of={row} />
        {detail.data && <Endpoints detail={detail.data} />}
        {detail.data && <Callers detail={detail.data} />}
        {detail.isError && <p className="soft">{detail.error.message}</p>}
        <FailedTraces of={row} onTrace={onTrace} />
      </div>
      <footer>
        <Button onClick={() => onLogs(row.name)}>Logs in the Black Box</Button>
        <Button onClick={onFly}>Fly there</Button>
      </footer>
    </aside>
  );
}

interface HistoryProps {
  of: ServiceName;
  agg: 'rate' | 'p95';
  title: string;
  format: (value: number) => string;
  tone: 'healthy' | 'degraded';
}

function History({ of: { name, environment }, agg, title, format, tone }: HistoryProps) {
  const { data } = useQuery({
    queryKey: ['timeseries', environment, name, agg],
    queryFn: ({ signal }) => {
      const end = Date.now();
      const query = { service: [name], environment, metric: METRIC, agg, start: String(end - HISTORY_MS), end: String(end), step: HISTORY_STEP_S };
      return answer(http.GET('/api/metrics/timeseries', { params: { query }, signal }));
    },
    refetchInterval: REFRESH_MS,
  });
  const points = data?.series[0]?.points ?? [];
  return (
    <section>
      <h3>{title}<span className="soft"> 15 min</span></h3>
      <div className="service-chart">
        {points.length > 1 ? (
          <Suspense fallback={null}>
            <TimeChart points={points} format={format} tone={tone} height={56} />
          </Suspense>
        ) : (
          <p className="soft">{data ? 'No samples in this time.' : 'Loading…'}</p>
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
              <th scope="row" title={`${e.method} ${e.endpoint}`}><span className="soft">{e.method}</span> {e.endpoint}</th>
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

function Callers({ detail }: { detail: Api<'ServiceDetail'> }) {
  if (detail.callers.length === 0) return null;
  return (
    <section>
      <h3>Called by</h3>
      <table className="num">
        <thead><tr><th scope="col">Service</th><th scope="col">Count</th><th scope="col">Errors</th><th scope="col">p95</th></tr></thead>
        <tbody>
          {detail.callers.slice(0, 8).map((c) => (
            <tr key={c.service_name}>
              <th scope="row">{c.service_name}</th>
              <td>{rate(c.count)}</td>
              <td className={c.error_ratio > 0.01 ? 'tone-unhealthy' : ''}>{percent(c.error_ratio)}</td>
              <td>{duration(c.p95_ms)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}

function FailedTraces({ of: { name, environment }, onTrace }: { of: ServiceName; onTrace: (traceId: string) => void }) {
  const { data } = useQuery({
    queryKey: ['failed-traces', environment, name],
    queryFn: ({ signal }) => answer(http.GET('/traces/search', { params: { query: { service: name, environment, status: 'error', limit: 6 } }, signal })),
    refetchInterval: REFRESH_MS,
  });
  if (!data || data.traces.length === 0) return null;
  return (
    <section>
      <h3>Recent failed traces</h3>
      <ul className="traces">
        {data.traces.map((trace) => (
          <li key={trace.trace_id}>
            <button type="button" onClick={() => onTrace(trace.trace_id)}>
              <span className="mono soft">{clockTime(trace.start, false)}</span>
              <span className="traces-name">{trace.name}</span>
              <span className="num">{duration(trace.duration)}</span>
            </button>
          </li>
        ))}
      </ul>
    </section>
  );
}
