import { keepPreviousData, useQuery } from '@tanstack/react-query';
import { lazy, Suspense } from 'react';
import { useServices } from '../../app/services';
import { Answer, Loading } from '../../ui/states';
import { figureWords, formatOf, plainNumber, type Rule } from './figures';
import { measured, stepFor } from './measured';
import { spanWords } from './spans';

const SeriesChart = lazy(() => import('../../ui/SeriesChart'));

interface FigureChartProps {
  rule: Pick<Rule, 'metric' | 'agg' | 'environment' | 'condition'>;
  service: string;
  /** Milliseconds before `end`, or before now. */
  lengthMs: number;
  end?: number;
  threshold: number | null;
  expected?: number | null;
  spans?: readonly { start: number; end: number | null }[];
  refetchInterval?: number | false;
}

/** What a rule watches of a service, with where it fires. */
export function FigureChart({ rule, service, lengthMs, end, threshold, expected = null, spans = [], refetchInterval = false }: FigureChartProps) {
  const environments = useEnvironmentsOf(service);
  const isSilence = rule.condition.kind === 'no_data';
  const asked = useQuery({
    queryKey: ['figure', service, rule.metric, rule.agg, rule.environment ?? '', rule.condition.kind, environments, lengthMs, end ?? null],
    queryFn: async ({ signal }) => {
      const until = end ?? Date.now();
      const span = { start: until - lengthMs, end: until };
      return { ...span, series: await measured({ rule, service, environments, ...span }, signal) };
    },
    refetchInterval,
    placeholderData: keepPreviousData,
  });
  const format = isSilence ? plainNumber : formatOf(rule);
  return (
    <Answer of={asked} loading={<Loading lines={4} />}>
      {({ series, start, end: until }) => (
        <figure className="alerts-chart">
          <Suspense fallback={<Loading lines={4} />}>
            <SeriesChart
              series={expected === null ? series : [...series, { key: 'normal', name: 'normal', points: [[start, expected], [until, expected]] }]}
              start={start}
              end={until}
              format={format}
              height={180}
              label={figureWords(rule)}
              spans={spans}
              {...(threshold !== null && !isSilence && { limit: { value: threshold, label: `fires at ${format(threshold)}` } })}
            />
          </Suspense>
          <figcaption className="soft">{caption(rule, series.flatMap(({ points }) => points), format, stepFor(start, until))}</figcaption>
        </figure>
      )}
    </Answer>
  );
}

/** What the line shows, in words. */
function caption(rule: FigureChartProps['rule'], points: readonly (readonly [number, number | null])[], format: (value: number) => string, stepS: number): string {
  const name = rule.condition.kind === 'no_data' ? `Observations of ${rule.metric === '' ? 'requests' : rule.metric}` : figureWords(rule);
  const known = points.flatMap(([, value]) => (value === null ? [] : [value]));
  const every = `${name.charAt(0).toUpperCase()}${name.slice(1)}, every ${spanWords(stepS)}`;
  if (known.length === 0) return `${every}: nothing was measured in this time.`;
  return `${every}: ${format(Math.min(...known))} to ${format(Math.max(...known))}, last ${format(known.at(-1)!)}.`;
}

function useEnvironmentsOf(service: string): string[] {
  const { data } = useServices();
  return (data?.services ?? []).filter(({ service_name }) => service_name === service).map(({ environment }) => environment);
}
