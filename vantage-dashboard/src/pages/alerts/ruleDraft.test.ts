import { expect, it } from 'vitest';
import type { Rule } from './figures';
import { bodyOf, draftOf, NEW_RULE } from './ruleDraft';

const BASE: Rule = {
  name: 'slow', service: 'checkout', environment: 'production', metric: 'queue.depth', agg: 'p95', window_s: 300, for_s: 90, min_samples: 20, severity: 'critical', enabled: false,
  channels: ['c1'], labels: { team: 'shop', 'a/b': 'x=y' }, runbook: 'look\nthere', condition: { kind: 'no_data' },
};
const CONDITIONS: Rule['condition'][] = [
  { kind: 'fixed', op: '<=', threshold: -0.5, recover: null },
  { kind: 'fixed', op: '>', threshold: 5, recover: 0 },
  { kind: 'adaptive', direction: 'both', warning_sigma: 2.5, critical_sigma: 4, recover_sigma: 1, min_deviation: 10 },
  { kind: 'no_data' },
  { kind: 'health', below: 60, recover_by: 0 },
];

it.each(CONDITIONS)('a rule that fires by %j survives its form', (condition) => {
  expect(bodyOf(draftOf({ ...BASE, condition }))).toEqual({ ...BASE, condition });
});

it('sends nothing for what is no number, never a zero', () => {
  const sent = JSON.parse(JSON.stringify(bodyOf({ ...NEW_RULE, threshold: '', window: 'soon', minSamples: 'x' }))) as Rule;
  expect([sent.condition, sent.window_s, sent.min_samples]).toEqual([{ kind: 'fixed', op: '>', threshold: null, recover: null }, null, null]);
});

it('means all environments when none is chosen', () => {
  expect(bodyOf({ ...NEW_RULE, environment: '' }).environment).toBeNull();
});
