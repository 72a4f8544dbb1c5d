import { expect, it } from 'vitest';
import { readQuestion } from './question';
import { vqlOf } from './vql';

const asked = { question: readQuestion(new URLSearchParams()), aggregation: 'p95' as const, environment: '', stepS: 36, range: { preset: '1h' as const }, source: 'metrics' };
const of = (text: string) => ({ ...asked, question: readQuestion(new URLSearchParams(text)) });

it('asks what the chart shows', () => {
  expect(vqlOf(asked)).toBe("SELECT p95(value) AS p95\nFROM metrics\nWHERE metric_name = 'http.request.duration'\nTIMESERIES 36 SECONDS\nSINCE 1 HOURS");
});

it('narrows, groups and quotes', () => {
  const { question } = of("metric=a'b&service=x&service=y&by=region&by=endpoint&tag=status_code:500&tag=o'k:v");
  expect(vqlOf({ ...asked, question, aggregation: 'per_second', environment: 'dev', range: { start: 10.4, end: 20 } })).toBe(
    [
      "SELECT tags['region'], endpoint, count() / 36 AS per_second",
      'FROM metrics',
      "WHERE metric_name = 'a''b' AND service_name IN ('x', 'y') AND environment = 'dev' AND status_code = 500 AND tags['o''k'] = 'v'",
      "GROUP BY tags['region'], endpoint",
      'TIMESERIES 36 SECONDS',
      'SINCE 10 UNTIL 20',
    ].join('\n'),
  );
});

it('asks the spans of a service that sends nothing else', () => {
  const vql = vqlOf({ ...of('service=x&by=endpoint&by=version&tag=method:GET'), aggregation: 'avg', source: 'spans' });
  expect(vql).toContain("SELECT name, attributes['version'], avg(duration_ms) AS avg_value\nFROM spans\nWHERE kind = 'server' AND service_name = 'x' AND attributes['http.request.method'] = 'GET'");
});
