import { answer, http } from '../../api/client';
import type { Series } from '../../ui/series';
import { REQUEST_METRIC, type Rule } from './figures';

/** The figure that a rule watches, over time, as the API has it stored. */

export interface Asked {
  /** Only what says which figure it is. */
  rule: Pick<Rule, 'metric' | 'agg' | 'environment' | 'condition'>;
  service: string;
  /** Where the service is; scores and error ratios are kept by environment. */
  environments: readonly string[];
  start: number;
  end: number;
}

const MOST_POINTS = 120;
const LEAST_STEP_S = 30;
/** The history of health is kept by whole minutes, and refuses others. */
const HEALTH_STEP_S = 60;
const MOST_ENVIRONMENTS = 6;

/** Seconds between points: a round number of them, no more points than a small chart can show. */
export function stepFor(start: number, end: number): number {
  const least = (end - start) / 1000 / MOST_POINTS;
  return [LEAST_STEP_S, 60, 120, 300, 600, 900, 1800, 3600].find((step) => step >= least) ?? 7200;
}

export async function measured(asked: Asked, signal: AbortSignal): Promise<Series[]> {
  const { rule } = asked;
  const ofHealth = rule.condition.kind === 'health';
  if (!ofHealth && (rule.agg !== 'error_ratio' || rule.condition.kind === 'no_data')) return [await timeSeries(asked, signal)];
  const known = rule.environment ? [rule.environment] : asked.environments.slice(0, MOST_ENVIRONMENTS);
  return Promise.all((known.length === 0 ? [undefined] : known).map((environment) => healthSeries(asked, environment, ofHealth, signal)));
}

async function timeSeries({ rule, service, start, end }: Asked, signal: AbortSignal): Promise<Series> {
  const isSilence = rule.condition.kind === 'no_data';
  const query = {
    service: [service],
    metric: rule.metric === '' ? REQUEST_METRIC : rule.metric,
    // Silence is told from whether anything comes at all.
    agg: isSilence || rule.agg === 'error_ratio' ? ('count' as const) : rule.agg,
    ...(rule.environment && { environment: rule.environment }),
    ...range(start, end),
  };
  const { series } = await answer(http.GET('/api/metrics/timeseries', { params: { query }, signal }));
  return { key: service, name: service, points: series[0]?.points ?? [] };
}

async function healthSeries({ service, start, end }: Asked, environment: string | undefined, ofHealth: boolean, signal: AbortSignal): Promise<Series> {
  const query = { ...(environment !== undefined && { environment }), ...range(start, end), step: Math.max(HEALTH_STEP_S, stepFor(start, end)) };
  const { points } = await answer(http.GET('/health/history/{service}', { params: { path: { service }, query }, signal }));
  return {
    key: environment ?? service,
    name: environment ?? service,
    points: points.map((point) => [point.timestamp, (ofHealth ? point.health_score : point.error_ratio) ?? null] as const),
  };
}

const range = (start: number, end: number) => ({ start: String(Math.round(start)), end: String(Math.round(end)), step: stepFor(start, end) });
