import type { Range } from '../../app/range';
import type { Aggregation, Question } from './question';

/** The same question in VQL. Pure. */

/** Columns of both tables; `timestamp` and the like cannot be grouped by. */
const COLUMNS = new Set(['service_name', 'environment', 'instance', 'endpoint', 'method', 'status_code']);
const NUMBERS = new Set(['status_code']);

const UNITS: Record<string, string> = { m: 'MINUTES', h: 'HOURS', d: 'DAYS' };

interface Asked {
  question: Question;
  aggregation: Aggregation;
  environment: string;
  stepS: number;
  range: Range;
  /** What the answer was read from: a service may send spans alone. */
  source: string;
}

export function vqlOf({ question: { metric, services, groupBy, tags }, aggregation, environment, stepS, range, source }: Asked): string {
  const isSpans = source === 'spans';
  const column = isSpans ? ofSpans : ofMetrics;
  const groups = groupBy.map(column);
  const conditions = [
    isSpans ? "kind = 'server'" : `metric_name = ${text(metric)}`,
    ...(services.length === 0 ? [] : [services.length === 1 ? `service_name = ${text(services[0]!)}` : `service_name IN (${services.map(text).join(', ')})`]),
    ...(environment === '' ? [] : [`environment = ${text(environment)}`]),
    ...tags.map(({ key, value }) => `${column(key)} = ${NUMBERS.has(key) && /^\d+$/.test(value) ? value : text(value)}`),
  ];
  return [
    `SELECT ${[...groups, aggregateOf(aggregation, isSpans ? 'duration_ms' : 'value', stepS)].join(', ')}`,
    `FROM ${isSpans ? 'spans' : 'metrics'}`,
    `WHERE ${conditions.join(' AND ')}`,
    ...(groups.length === 0 ? [] : [`GROUP BY ${groups.join(', ')}`]),
    `TIMESERIES ${stepS} SECONDS`,
    'preset' in range ? `SINCE ${Number.parseInt(range.preset, 10)} ${UNITS[range.preset.slice(-1)]!}` : `SINCE ${Math.round(range.start)} UNTIL ${Math.round(range.end)}`,
  ].join('\n');
}

function aggregateOf(aggregation: Aggregation, value: string, stepS: number): string {
  switch (aggregation) {
    case 'count':
      return 'count() AS observations';
    case 'per_second':
      return `count() / ${stepS} AS per_second`;
    case 'avg':
    case 'sum':
    case 'min':
    case 'max':
      return `${aggregation}(${value}) AS ${aggregation}_value`;
    default:
      return `${aggregation}(${value}) AS ${aggregation}`;
  }
}

const ofMetrics = (key: string): string => (COLUMNS.has(key) ? key : `tags[${text(key)}]`);

function ofSpans(key: string): string {
  if (key === 'endpoint') return 'name';
  if (key === 'caller') return 'caller';
  if (key === 'method') return "attributes['http.request.method']";
  return COLUMNS.has(key) && key !== 'status_code' ? key : `attributes[${text(key)}]`;
}

const text = (value: string): string => `'${value.replaceAll("'", "''")}'`;
