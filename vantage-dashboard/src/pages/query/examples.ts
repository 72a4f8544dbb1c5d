/** Queries to begin with. test_page_query.py runs each against a platform. */

export interface Example {
  title: string;
  query: string;
}

const REQUESTS = `FROM metrics WHERE metric_name = 'http.request.duration'`;

export const EXAMPLES: readonly Example[] = [
  {
    title: 'Requests of each service over time',
    query: `SELECT service_name, count() AS requests\n${REQUESTS}\nSINCE 1 HOUR\nGROUP BY service_name\nTIMESERIES 1 MINUTE`,
  },
  {
    title: 'The slowest endpoints',
    query: `SELECT service_name, endpoint, count() AS requests, p95(value) AS p95_ms\n${REQUESTS}\nSINCE 1 HOUR\nGROUP BY service_name, endpoint\nORDER BY p95_ms DESC\nLIMIT 50`,
  },
  {
    title: 'Share of failed requests',
    query: `SELECT service_name, 100 * countIf(status_code >= 500) / count() AS failed_percent\n${REQUESTS}\nSINCE 1 HOUR\nGROUP BY service_name\nORDER BY failed_percent DESC\nLIMIT 25`,
  },
  {
    title: 'Percentiles, side by side',
    query: `SELECT p50(value) AS p50_ms, p95(value) AS p95_ms, p99(value) AS p99_ms\n${REQUESTS}\nSINCE 1 HOUR\nTIMESERIES 1 MINUTE`,
  },
  {
    title: 'Who calls whom',
    query: `SELECT caller, service_name, count() AS calls, p95(duration_ms) AS p95_ms\nFROM spans WHERE kind = 'server' AND caller != ''\nSINCE 1 HOUR\nGROUP BY caller, service_name\nORDER BY calls DESC\nLIMIT 50`,
  },
  {
    title: 'Spans that took longest, with their traces',
    query: `SELECT timestamp, service_name, name, duration_ms, trace_id\nFROM spans\nSINCE 15 MINUTES\nORDER BY duration_ms DESC\nLIMIT 100`,
  },
  {
    title: 'Log lines by severity',
    query: `SELECT severity, count() AS lines\nFROM logs\nSINCE 1 HOUR\nGROUP BY severity\nTIMESERIES 1 MINUTE`,
  },
  {
    title: 'The newest errors in the logs',
    query: `SELECT timestamp, service_name, body, trace_id\nFROM logs WHERE severity IN ('ERROR', 'FATAL')\nSINCE 1 HOUR\nORDER BY timestamp DESC\nLIMIT 200`,
  },
];
