import { useQuery } from '@tanstack/react-query';
import { answer, http } from '../../api/client';
import type { Api } from '../../api/types';
import type { RangeInAddress } from '../../app/address';
import { keepOf } from '../../app/keepOf';
import { showsValues } from './named';
import { textOfTag, type Aggregation, type Question } from './question';

/** What the metrics page asks the API. */

const FEW_MS = 60_000;
const FINE_POINTS = 400;

/** Every metric of the last day, or those that begin with `prefix` where they are too many for one answer. */
export function useMetricNames(prefix: string) {
  const all = useQuery({
    queryKey: ['metric-names'],
    queryFn: ({ signal }) => answer(http.GET('/api/metrics', { params: { query: { limit: 1000 } }, signal })),
    staleTime: FEW_MS,
    // Who waits for the first one wants to see it come.
    refetchInterval: (query) => ((query.state.data?.metrics.length ?? 0) === 0 ? 5000 : FEW_MS),
  });
  const isCut = all.data?.next_cursor != null;
  const found = useQuery({
    queryKey: ['metric-names', prefix],
    queryFn: ({ signal }) => answer(http.GET('/api/metrics', { params: { query: { limit: 50, prefix } }, signal })),
    enabled: isCut && prefix !== '',
    staleTime: FEW_MS,
  });
  const metrics: Api<'MetricInfo'>[] = [...(all.data?.metrics ?? []), ...(found.data?.metrics ?? [])];
  return { all, metrics: [...new Map(metrics.map((metric) => [metric.metric_name, metric])).values()] };
}

export function useTagKeys(metric: string) {
  return useQuery({
    queryKey: ['tag-keys', metric],
    queryFn: ({ signal }) => answer(http.GET('/api/metrics/tags', { params: { query: { metric } }, signal })),
    staleTime: FEW_MS,
  });
}

export function useTagValues(metric: string, services: readonly string[], key: string, prefix: string) {
  return useQuery({
    queryKey: ['tag-values', metric, services, key, prefix],
    queryFn: ({ signal }) => {
      // The API narrows by one service; of several it shows the values of all.
      const query = { metric, prefix, limit: 50, ...(services.length === 1 && { service: services[0]! }) };
      return answer(http.GET('/api/metrics/tags/{key}/values', { params: { path: { key }, query }, signal }));
    },
    enabled: key !== '',
    staleTime: FEW_MS,
    placeholderData: keepOf('tag-values', metric, services, key),
  });
}

function parametersOf({ metric, services, groupBy, tags, step }: Question, aggregation: Aggregation, environment: string, range: RangeInAddress) {
  return {
    metric,
    agg: aggregation === 'per_second' ? ('count' as const) : aggregation,
    ...range.query(),
    ...(services.length > 0 && { service: services }),
    ...(groupBy.length > 0 && { group_by: groupBy.join(',') }),
    ...(tags.length > 0 && { tag: tags.map(textOfTag) }),
    ...(environment !== '' && { environment }),
    ...(step === 'fine' ? { max_points: FINE_POINTS } : step !== null && { step }),
  };
}

export function useSeries(question: Question, aggregation: Aggregation, environment: string, range: RangeInAddress) {
  const { metric, services, groupBy, tags, step } = question;
  const thing = ['metric-series', metric, services, groupBy, tags, aggregation, environment];
  return useQuery({
    queryKey: [...thing, step, range.key],
    queryFn: ({ signal }) => answer(http.GET('/api/metrics/timeseries', { params: { query: parametersOf(question, aggregation, environment, range) }, signal })),
    refetchInterval: range.refetchInterval,
    placeholderData: keepOf(...thing),
  });
}

export async function seriesAsCsv(question: Question, aggregation: Aggregation, environment: string, range: RangeInAddress): Promise<string> {
  const query = { ...parametersOf(question, aggregation, environment, range), format: 'csv' as const };
  return (await answer<unknown>(http.GET('/api/metrics/timeseries', { params: { query }, parseAs: 'text' }))) as string;
}

export interface ExemplarOf extends Api<'Exemplar'> {
  service: string;
}

const MOST_SERVICES = 4;

/** Why there are no exemplars for a question; null where they can be asked for. */
export function withoutExemplars({ services, tags, exemplars }: Question, aggregation: Aggregation): string | null {
  if (!exemplars) return 'They are switched off.';
  if (!showsValues(aggregation)) return 'A single observation has no place on the axis of this aggregation.';
  if (services.length === 0) return 'Choose a service to see single requests as marks that open their trace.';
  if (services.length > MOST_SERVICES) return `They are shown of up to ${MOST_SERVICES} services.`;
  return tags.length > 0 ? 'They cannot be narrowed by a tag.' : null;
}

/** Single observations that keep a trace, spread over the range. */
export function useExemplars(question: Question, aggregation: Aggregation, environment: string, range: RangeInAddress) {
  const { services, metric } = question;
  const thing = ['exemplars', metric, services, environment];
  return useQuery({
    queryKey: [...thing, range.key],
    queryFn: async ({ signal }): Promise<ExemplarOf[]> => {
      const asked = { metric, order: 'spread' as const, limit: Math.ceil(40 / services.length), ...range.query(), ...(environment !== '' && { environment }) };
      const found = await Promise.all(services.map((service) => answer(http.GET('/api/metrics/exemplars', { params: { query: { ...asked, service } }, signal }))));
      return found.flatMap(({ service, exemplars }) => exemplars.map((exemplar) => ({ ...exemplar, service }))).sort((a, b) => b.value - a.value);
    },
    enabled: withoutExemplars(question, aggregation) === null,
    refetchInterval: range.refetchInterval && Math.max(range.refetchInterval, FEW_MS / 2),
    placeholderData: keepOf(...thing),
  });
}
