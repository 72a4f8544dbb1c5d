/** What a chart of a metric asks, as the address has it. Pure. */

export const AGGREGATIONS = ['avg', 'sum', 'count', 'per_second', 'rate', 'min', 'max', 'p50', 'p90', 'p95', 'p99'] as const;
export type Aggregation = (typeof AGGREGATIONS)[number];

export const KINDS = ['line', 'area', 'bar'] as const;
export type Kind = (typeof KINDS)[number];

export const RANKS = ['last', 'max', 'mean'] as const;
export type Rank = (typeof RANKS)[number];

export const DEFAULT_METRIC = 'http.request.duration';
export const DEFAULT_TOP = 8;
export const TOPS = [5, 8, 16, 32];
/** As the API has them. */
export const MOST = { services: 50, groups: 5, tags: 10 };

export interface Tag {
  key: string;
  value: string;
}

export interface Question {
  metric: string;
  services: string[];
  /** Null: what fits the kind of metric. */
  aggregation: Aggregation | null;
  groupBy: string[];
  tags: Tag[];
  /** Seconds; null: a hundredth of the range; 'fine': as fine as the chart can show. */
  step: number | 'fine' | null;
  kind: Kind;
  /** So many series are drawn at first, the greatest by `rank`. */
  top: number;
  rank: Rank;
  /** Keys of the series that were chosen in the legend; empty: the first `top`. */
  only: string[];
  exemplars: boolean;
}

export function readQuestion(parameters: URLSearchParams): Question {
  const oneOf = <T,>(choices: readonly T[], value: unknown): T | undefined => choices.find((each) => each === value);
  const step = parameters.get('step');
  return {
    metric: parameters.get('metric') || DEFAULT_METRIC,
    services: unique(parameters.getAll('service')).slice(0, MOST.services),
    aggregation: oneOf(AGGREGATIONS, parameters.get('agg')) ?? null,
    groupBy: unique(parameters.getAll('by')).slice(0, MOST.groups),
    tags: unique(parameters.getAll('tag')).flatMap(tagOf).slice(0, MOST.tags),
    step: step === 'fine' ? 'fine' : wholeAbove0(step),
    kind: oneOf(KINDS, parameters.get('kind')) ?? 'line',
    top: oneOf(TOPS, wholeAbove0(parameters.get('top'))) ?? DEFAULT_TOP,
    rank: oneOf(RANKS, parameters.get('rank')) ?? 'last',
    only: unique(parameters.getAll('only')),
    exemplars: parameters.get('exemplars') !== 'off',
  };
}

/** An address with these changes; what is as by default is not in it. */
export function writeQuestion(before: URLSearchParams, changes: Partial<Question>): URLSearchParams {
  const { metric, services, aggregation, groupBy, tags, step, kind, top, rank, only, exemplars } = { ...readQuestion(before), ...changes };
  const next = new URLSearchParams(before);
  const write = (name: string, values: (string | number | null)[]) => {
    next.delete(name);
    for (const value of values) if (value !== null) next.append(name, String(value));
  };
  write('metric', [metric]);
  write('service', services);
  write('agg', [aggregation]);
  write('by', groupBy);
  write('tag', tags.map(textOfTag));
  write('step', [step]);
  write('kind', [kind === 'line' ? null : kind]);
  write('top', [top === DEFAULT_TOP ? null : top]);
  write('rank', [rank === 'last' ? null : rank]);
  write('only', only);
  write('exemplars', [exemplars ? null : 'off']);
  return next;
}

export const textOfTag = ({ key, value }: Tag): string => `${key}:${value}`;

/** Parted at the first colon, as the API does; none where there is no key. */
export function tagOf(text: string): Tag[] {
  const at = text.indexOf(':');
  return at < 1 ? [] : [{ key: text.slice(0, at), value: text.slice(at + 1) }];
}

/** What says most about a metric of this type. */
export function defaultAggregation(metricType: string | undefined): Aggregation {
  if (metricType === 'histogram' || metricType === 'summary' || metricType === 'timer') return 'p95';
  return metricType === 'counter' || metricType === 'sum' ? 'rate' : 'avg';
}

const unique = (values: string[]): string[] => [...new Set(values)].filter((value) => value !== '');

function wholeAbove0(text: string | null): number | null {
  const value = Number(text);
  return Number.isSafeInteger(value) && value > 0 ? value : null;
}
