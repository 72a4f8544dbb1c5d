/** The words of VQL. docs/vql.md is their home; words.test.ts compares. */

export const TABLES: Readonly<Record<string, readonly string[]>> = {
  metrics: ['service_name', 'metric_name', 'timestamp', 'metric_type', 'environment', 'instance', 'value', 'count', 'endpoint', 'method', 'status_code', 'tags', 'trace_id', 'span_id', 'temporality', 'start_time'],
  spans: ['service_name', 'timestamp', 'trace_id', 'span_id', 'parent_span_id', 'name', 'kind', 'duration_ms', 'status', 'environment', 'instance', 'caller', 'attributes'],
  logs: ['service_name', 'timestamp', 'severity', 'body', 'environment', 'instance', 'attributes', 'trace_id', 'span_id'],
};

export const AGGREGATES: readonly string[] = ['avg', 'sum', 'count', 'min', 'max', 'quantile', 'quantiles', 'stddev', 'increase', 'rate', 'uniq', 'uniqExact', 'p50', 'p75', 'p90', 'p95', 'p99'];

const VALUE_FUNCTIONS = ['lower', 'upper', 'length', 'abs', 'floor', 'ceil', 'round', 'if', 'coalesce', 'toString'];
const TIME_FUNCTIONS = [
  ...['now', 'toStartOfInterval', 'toStartOfSecond', 'toStartOfMinute', 'toStartOfFiveMinutes', 'toStartOfTenMinutes', 'toStartOfFifteenMinutes'],
  ...['toStartOfHour', 'toStartOfDay', 'toStartOfWeek', 'toStartOfMonth'],
];

export const FUNCTIONS: readonly string[] = [...AGGREGATES, ...VALUE_FUNCTIONS, ...TIME_FUNCTIONS];

export const CLAUSES: readonly string[] = ['SELECT', 'FROM', 'WHERE', 'GROUP BY', 'HAVING', 'ORDER BY', 'LIMIT', 'OFFSET', 'SINCE', 'UNTIL', 'TIMESERIES'];

export const OPERATORS: readonly string[] = ['AND', 'OR', 'NOT', 'LIKE', 'ILIKE', 'IN', 'BETWEEN', 'IS NULL', 'IS NOT NULL', 'AS', 'DISTINCT', 'DESC', 'ASC', 'INTERVAL', 'AGO'];

export const UNITS: readonly string[] = ['SECOND', 'MINUTE', 'HOUR', 'DAY', 'WEEK', 'MONTH'];

/** What the editor paints as a keyword: single words. */
export const KEYWORDS: ReadonlySet<string> = new Set([...CLAUSES, ...OPERATORS, ...UNITS, ...UNITS.map((unit) => `${unit}S`), 'TRUE', 'FALSE'].flatMap((words) => words.split(' ')));
