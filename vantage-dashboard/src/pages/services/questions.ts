import { keepPreviousData, useQuery } from '@tanstack/react-query';
import { answer, http } from '../../api/client';
import type { Api } from '../../api/types';
import type { RangeInAddress } from '../../app/address';
import { keepOf } from '../../app/keepOf';
import { lengthMs } from '../../app/range';
import type { Series } from '../../ui/series';
import type { Service } from './serviceList';
import { perSecond, wholeSteps } from './steps';

/** What the pages about services ask the API. */

export const REQUESTS = 'http.request.duration';
const SLOW_MS = 30_000;

export interface AllServices {
  services: Service[];
  total: number;
}

const LARGEST_PAGE = 1000;

/** Every service, page after page of the API. A large fleet is asked for less often. */
export function useAllServices(environment: string) {
  return useQuery({
    queryKey: ['services', 'all', environment],
    queryFn: async ({ signal }): Promise<AllServices> => {
      const services: Service[] = [];
      let cursor: string | null = null;
      for (;;) {
        const query = { limit: LARGEST_PAGE, ...(environment && { environment }), ...(cursor !== null && { cursor }) };
        const page: Api<'Services'> = await answer(http.GET('/api/services', { params: { query }, signal }));
        services.push(...page.services);
        cursor = page.next_cursor ?? null;
        if (cursor === null) return { services, total: page.total };
      }
    },
    refetchInterval: (query) => 10_000 * Math.max(1, Math.ceil((query.state.data?.total ?? 0) / LARGEST_PAGE)),
  });
}

const SPARK_POINTS = 40;
/** The API takes no longer name in a list of several. */
const LONGEST_NAME = 200;

/** Requests over the range, by service: one question for all that are on the page. */
export function useSparklines(services: readonly Service[], range: RangeInAddress) {
  const names = [...new Set(services.map(({ service_name }) => service_name))].filter(({ length }) => length <= LONGEST_NAME).sort();
  return useQuery({
    queryKey: ['sparklines', range.key, names],
    queryFn: async ({ signal }) => {
      const step = Math.max(1, Math.ceil(lengthMs(range.range) / 1000 / SPARK_POINTS));
      const query = { service: names, metric: REQUESTS, agg: 'count' as const, group_by: 'service_name,environment', step, ...range.query() };
      const found = await answer(http.GET('/api/metrics/timeseries', { params: { query }, signal }));
      return new Map(found.series.map(({ group, points }) => [`${group['environment']}/${group['service_name']}`, wholeSteps(points, found).map(([, value]) => value)]));
    },
    enabled: names.length > 0,
    refetchInterval: range.refetchInterval && Math.max(range.refetchInterval, 15_000),
    placeholderData: keepPreviousData,
  });
}

/** One service of an environment; its environment is only known once its detail is there. */
export interface Asked {
  name: string;
  environment: string;
}

export function useService(name: string, environment: string, range: RangeInAddress) {
  const thing = ['service-detail', environment, name] as const;
  return useQuery({
    queryKey: [...thing, range.key],
    queryFn: ({ signal }) => answer(http.GET('/api/services/{service}', { params: { path: { service: name }, query: { ...range.query(), ...(environment && { environment }) } }, signal })),
    refetchInterval: range.refetchInterval,
    placeholderData: keepOf(...thing),
  });
}

export function useScore({ name, environment }: Asked) {
  return useQuery({
    queryKey: ['score', environment, name],
    queryFn: ({ signal }) => answer(http.GET('/health/score/{service}', { params: { path: { service: name }, query: { environment } }, signal })),
    refetchInterval: 5000,
  });
}

export interface Curves {
  start: number;
  end: number;
  requests: Series[];
  durations: Series[];
  source: string;
}

const QUANTILES = ['p50', 'p95', 'p99'] as const;

/** Requests a second and quantiles of their durations over the range. */
export function useCurves({ name, environment }: Asked, range: RangeInAddress) {
  const thing = ['curves', environment, name] as const;
  return useQuery({
    queryKey: [...thing, range.key],
    queryFn: async ({ signal }): Promise<Curves> => {
      const window = range.query();
      const asked = (agg: 'count' | (typeof QUANTILES)[number]) =>
        answer(http.GET('/api/metrics/timeseries', { params: { query: { service: [name], environment, metric: REQUESTS, agg, ...window } }, signal }));
      const [count, ...quantiles] = await Promise.all([asked('count'), ...QUANTILES.map(asked)]);
      return {
        start: count.start,
        end: count.end,
        requests: [{ key: 'requests', name: 'requests a second', points: perSecond(wholeSteps(count.series[0]?.points ?? [], count), count.step_s) }],
        durations: quantiles.map((each, i) => ({ key: QUANTILES[i]!, name: QUANTILES[i]!, points: each.series[0]?.points ?? [] })),
        source: count.source,
      };
    },
    refetchInterval: range.refetchInterval,
    placeholderData: keepOf(...thing),
  });
}

export function useHealthHistory({ name, environment }: Asked, range: RangeInAddress) {
  const thing = ['health-history', environment, name] as const;
  return useQuery({
    queryKey: [...thing, range.key],
    queryFn: ({ signal }) => answer(http.GET('/health/history/{service}', { params: { path: { service: name }, query: { environment, ...range.query() } }, signal })),
    refetchInterval: range.refetchInterval && Math.max(range.refetchInterval, SLOW_MS),
    placeholderData: keepOf(...thing),
  });
}

/** Requests by version; a version is a tag of the metric, or of spans that follow OpenTelemetry. */
export function useVersions({ name, environment }: Asked, range: RangeInAddress) {
  const thing = ['versions', environment, name] as const;
  return useQuery({
    queryKey: [...thing, range.key],
    queryFn: ({ signal }) =>
      answer(http.GET('/api/metrics/timeseries', { params: { query: { service: [name], environment, metric: REQUESTS, agg: 'count' as const, group_by: 'version,service.version', ...range.query() } }, signal })),
    refetchInterval: range.refetchInterval && Math.max(range.refetchInterval, SLOW_MS),
    placeholderData: keepOf(...thing),
  });
}

export function useServiceMap({ name, environment }: Asked, range: RangeInAddress) {
  const thing = ['service-map-of', environment, name] as const;
  return useQuery({
    queryKey: [...thing, range.key],
    queryFn: ({ signal }) => answer(http.GET('/traces/service-map', { params: { query: { service: name, environment, ...range.query() } }, signal })),
    refetchInterval: range.refetchInterval && Math.max(range.refetchInterval, SLOW_MS),
    placeholderData: keepOf(...thing),
  });
}

export function useTraces({ name, environment }: Asked, range: RangeInAddress, which: 'slowest' | 'failed') {
  const thing = ['traces-of', environment, name, which] as const;
  return useQuery({
    queryKey: [...thing, range.key],
    queryFn: ({ signal }) => {
      const query = { service: name, environment, limit: 8, ...range.query(), ...(which === 'failed' ? { status: 'error' as const } : { sort: 'slowest' as const }) };
      return answer(http.GET('/traces/search', { params: { query }, signal }));
    },
    refetchInterval: range.refetchInterval && Math.max(range.refetchInterval, SLOW_MS),
    placeholderData: keepOf(...thing),
  });
}

export function useErrorLogs({ name, environment }: Asked, range: RangeInAddress) {
  const thing = ['error-logs-of', environment, name] as const;
  return useQuery({
    queryKey: [...thing, range.key],
    queryFn: ({ signal }) => answer(http.GET('/api/logs', { params: { query: { service: name, environment, severity: 'ERROR,FATAL', limit: 8, ...range.query() } }, signal })),
    refetchInterval: range.refetchInterval,
    placeholderData: keepOf(...thing),
  });
}

