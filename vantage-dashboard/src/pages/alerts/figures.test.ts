import { expect, it } from 'vitest';
import { figureWords, formatOf, plainNumber, REQUEST_METRIC, ruleWords, thresholdOf, type Rule } from './figures';

const rule = (change: Partial<Rule>): Rule => ({
  name: 'a rule', service: '*', metric: REQUEST_METRIC, agg: 'p95', window_s: 300, for_s: 60, min_samples: 1, severity: 'warning', channels: [], enabled: true, labels: {}, runbook: '',
  condition: { kind: 'fixed', op: '>', threshold: 1200, recover: null }, ...change,
});

it.each<[string, Partial<Rule>]>([
  ['p95 of the request duration over 5 min > 1.2 s, for 1 min', {}],
  ['error ratio over 5 min > 5.0%, for 1 min', { agg: 'error_ratio', condition: { kind: 'fixed', op: '>', threshold: 0.05 } }],
  ['mean of queue.depth over 30 s >= 12,000', { metric: 'queue.depth', agg: 'avg', window_s: 30, for_s: 0, condition: { kind: 'fixed', op: '>=', threshold: 12_000 } }],
  ['queue.depth per second over 5 min below normal by 2σ (critical: 3σ), for 1 min', { metric: 'queue.depth', agg: 'rate', condition: { kind: 'adaptive', direction: 'down', warning_sigma: 2, critical_sigma: 3, recover_sigma: 1.5, min_deviation: 0 } }],
  ['nothing of anything at all for 5 min, for 1 min', { metric: '', condition: { kind: 'no_data' } }],
  ['health score below 50, for 1 min', { condition: { kind: 'health', below: 50, recover_by: 5 } }],
])('says "%s"', (words, change) => {
  expect(ruleWords(rule(change))).toBe(words);
});

it('reads durations, ratios, rates, times and counts each in its own way', () => {
  const read = (change: Partial<Rule>, value: number) => formatOf(rule(change))(value);
  expect([read({}, 1500), read({ agg: 'error_ratio' }, 0.012), read({ metric: 'queue.depth', agg: 'rate' }, 12.5), read({ agg: 'rate' }, 1500), read({ agg: 'count' }, 1500), read({ metric: 'queue.depth' }, 7), read({ condition: { kind: 'no_data' } }, 301)]).toEqual([
    '1.5 s', '1.2%', '12.5/s', '1.5 s/s', '1,500', '7', '5 min 1 s',
  ]);
  expect(plainNumber(null)).toBe('–');
});

it('knows the threshold that is a number', () => {
  expect([rule({}), rule({ condition: { kind: 'health', below: 50, recover_by: 5 } }), rule({ condition: { kind: 'no_data' } })].map(thresholdOf)).toEqual([1200, 50, null]);
});

it('names a figure', () => {
  expect([figureWords(rule({ agg: 'count' })), figureWords(rule({ agg: 'rate' }))]).toEqual(['requests', 'request time per second']);
});
