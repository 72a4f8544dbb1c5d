import { useQuery } from '@tanstack/react-query';
import { answer, http } from '../../api/client';
import type { Api } from '../../api/types';
import type { RangeInAddress } from '../../app/address';
import { bounds } from '../../app/range';
import { keepOf } from '../../app/keepOf';
import type { Series } from '../../ui/series';
import { filtersOf, nameOf, questionOf, type Kind, type Quantile, type Sides } from './sides';

/** What the comparison asks the API. */

const MINUTE_MS = 60_000;

/** As of now: a question, or in words what is still to be chosen. */
function asked(sides: Sides, environment: string, range: RangeInAddress) {
  return questionOf(sides, bounds(range.range), environment);
}

export function useComparison(sides: Sides, environment: string, range: RangeInAddress) {
  // Which quantile is drawn is no part of the question.
  const thing = ['compare', { ...sides, quantile: null }, environment];
  return useQuery({
    queryKey: [...thing, range.key],
    queryFn: ({ signal }): Promise<Api<'Comparison'>> => {
      const question = asked(sides, environment, range);
      if (typeof question === 'string') throw new Error(question);
      switch (question.kind) {
        case 'services':
          return answer(http.POST('/compare/services', { body: question.body, signal }));
        case 'versions':
          return answer(http.POST('/compare/versions', { body: question.body, signal }));
        case 'windows':
          return answer(http.POST('/compare/windows', { body: question.body, signal }));
      }
    },
    // Only whole minutes are tested.
    refetchInterval: range.refetchInterval && MINUTE_MS,
    placeholderData: keepOf(...thing),
  });
}

const MOST_STEPS = 120;

/** A quantile of both sides over time; what was before is laid over what is now. */
export function useBothOverTime(found: Api<'Comparison'> | undefined, kind: Kind, quantile: Quantile) {
  const sides = found ? [found.baseline, found.candidate] : [];
  const thing = ['both-over-time', found?.metric_name, sides.map(({ service, tags }) => [service, tags]), quantile];
  return useQuery({
    queryKey: [...thing, sides.map(({ start, end }) => [start, end])],
    queryFn: async ({ signal }): Promise<{ start: number; end: number; series: Series[] }> => {
      const { baseline, candidate, metric_name: metric } = found!;
      const step = Math.max(60, Math.ceil((candidate.end - candidate.start) / 1000 / MOST_STEPS / 60) * 60);
      const ask = (side: Api<'Side'>) =>
        answer(http.GET('/api/metrics/timeseries', { params: { query: { service: [side.service], metric, agg: quantile, step, tag: filtersOf(side), start: String(side.start), end: String(side.end) } }, signal }));
      const [before, after] = await Promise.all([ask(baseline), ask(candidate)]);
      const later = candidate.start - baseline.start;
      return {
        start: candidate.start,
        end: candidate.end,
        series: [
          { key: 'baseline', name: nameOf(kind, baseline, 'baseline'), points: (before.series[0]?.points ?? []).map(([at, value]) => [at + later, value] as const) },
          { key: 'candidate', name: nameOf(kind, candidate, 'candidate'), points: after.series[0]?.points ?? [] },
        ],
      };
    },
    enabled: found !== undefined,
    placeholderData: keepOf(...thing),
  });
}

/** Versions that a service had lately, by either tag. */
export function useVersionNames(service: string) {
  return useQuery({
    queryKey: ['version-names', service],
    queryFn: async ({ signal }) => {
      const values = await Promise.all(['version', 'service.version'].map((key) => answer(http.GET('/api/metrics/tags/{key}/values', { params: { path: { key }, query: { service, limit: 200 } }, signal }))));
      return values.flatMap((found) => found.values).filter(({ value }) => value !== '');
    },
    enabled: service !== '',
    staleTime: MINUTE_MS,
  });
}
