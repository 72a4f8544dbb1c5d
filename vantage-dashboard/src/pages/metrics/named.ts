import { duration } from '../../ui/format';
import { figuresOf, type Series, type SeriesFigures } from '../../ui/series';
import { perSecond, wholeSteps } from '../services/steps';
import type { Aggregation, Rank } from './question';

/** An answer as series with names and numbers. Pure. */

export interface Answered {
  start: number;
  end: number;
  step_s: number;
  series: readonly { group: Record<string, string>; points: Series['points'] }[];
}

export interface NamedSeries extends Series {
  figures: SeriesFigures;
}

const ADDS_UP: ReadonlySet<Aggregation> = new Set(['count', 'per_second', 'sum', 'rate']);

/** The series of an answer, the greatest first. */
export function namedSeries(answered: Answered, aggregation: Aggregation, rank: Rank, whole: string): NamedSeries[] {
  return answered.series
    .map(({ group, points }) => {
      const values = Object.values(group);
      const full = ADDS_UP.has(aggregation) ? wholeSteps(points, answered) : points;
      const drawn = aggregation === 'per_second' ? perSecond(full, answered.step_s) : full;
      return { key: keyOf(values), name: values.length === 0 ? whole : values.map((value) => value || '(none)').join(' · '), points: drawn, figures: figuresOf(drawn) };
    })
    .sort((a, b) => (b.figures[rank] ?? -Infinity) - (a.figures[rank] ?? -Infinity) || a.name.localeCompare(b.name));
}

/** Of the values of a group, for the address. */
export const keyOf = (values: readonly string[]): string => (values.length === 0 ? 'all' : values.map(encodeURIComponent).join('|'));

/** Keys that are drawn: those that were chosen and are there, else the first `top`. */
export function drawnKeys(series: readonly Series[], only: readonly string[], top: number): string[] {
  const there = series.filter(({ key }) => only.includes(key)).map(({ key }) => key);
  return there.length > 0 ? there : series.slice(0, top).map(({ key }) => key);
}

/** Numbers of any size with about three digits. */
export function compact(value: number): string {
  if (value === 0) return '0';
  const size = Math.abs(value);
  for (const [from, unit] of [[1e12, 'T'], [1e9, 'G'], [1e6, 'M'], [1e4, 'k']] as const) {
    if (size >= from) return `${digits(value / (unit === 'k' ? 1e3 : from))}${unit}`;
  }
  if (size >= 1000) return Math.round(value).toLocaleString('en-US');
  return size < 0.001 ? value.toExponential(1) : digits(value);
}

const digits = (value: number): string => String(Number(value.toPrecision(3)));

/** Only the request metric is known to be in milliseconds; of others the API does not tell the unit. */
export function formatOf(metric: string, aggregation: Aggregation): (value: number) => string {
  if (aggregation === 'per_second') return (value) => `${compact(value)}/s`;
  if (aggregation === 'count' || metric !== 'http.request.duration') return compact;
  if (aggregation === 'rate' || aggregation === 'sum') return compact;
  return (value) => (value === 0 ? '0' : duration(value));
}

const WORDS: Record<Aggregation, string> = {
  avg: 'Mean', sum: 'Sum', count: 'Observations', per_second: 'Observations a second', rate: 'Increase a second',
  min: 'Least', max: 'Greatest', p50: 'p50 (median)', p90: 'p90', p95: 'p95', p99: 'p99',
};
export const aggregationWords = (aggregation: Aggregation): string => WORDS[aggregation];

/** Whether a single observation has a place on the axis of this aggregation. */
export const showsValues = (aggregation: Aggregation): boolean => !ADDS_UP.has(aggregation);
