import { describe, expect, it } from 'vitest';
import { changeWords, effectWords, evidenceWords, meanWords, pValueText, verdictOf } from './words';

it.each([
  ['DEPLOY', 60, 'v2 is better: deploy'],
  ['ROLLBACK', 60, 'v2 is worse: roll back'],
  ['HOLD', 60, 'No reason to change: hold'],
  ['INCONCLUSIVE', 60, 'They cannot be told apart yet'],
  ['INCONCLUSIVE', 19, 'Not enough data yet'],
] as const)('%s after %s minutes says: %s', (recommendation, minutes, words) => {
  expect(verdictOf({ recommendation, minutes }, 'v2').title).toBe(words);
});

it.each([
  [12.34, 'http.request.duration', '12 % faster'],
  [-134.3, 'queue.latency', '134 % slower'],
  [-0.5, 'orders', '0.5 % worse'],
  [0.01, 'orders', 'the same'],
])('an improvement of %s %% of %s is %s', (improvement, metric, words) => expect(changeWords(improvement, metric)).toBe(words));

it.each([[-0.1, 'very small'], [0.3, 'small'], [-0.6, 'medium'], [1.4, 'large']])('an effect of %s is %s', (effect, words) => expect(effectWords(effect)).toBe(words));

it.each([[0.000001, '< 0.0001'], [0.01234, '0.012'], [1, '1']])('p of %s reads %s', (p, text) => expect(pValueText(p)).toBe(text));

describe('evidence', () => {
  it('that is there', () => expect(evidenceWords({ p_value: 0.003, alpha: 0.05, statistical_significance: true })).toContain('at most 0.3 % of comparisons'));
  it('that is missing is no proof', () => expect(evidenceWords({ p_value: 0.4, alpha: 0.05, statistical_significance: false })).toContain('no proof'));
});

describe('the difference', () => {
  const tested = { quantity: 'ratio of geometric means' as const, improvement_pct: -10, low_pct: -15, high_pct: -5 };
  it('with its interval', () => {
    expect(meanWords({ tested, metric_name: 'http.request.duration', confidence_interval: { low: -0.3, high: -0.1, level: 0.95 } }, 'v2')).toBe(
      'v2 is 10 % slower on the geometric mean; at a level of 95 % it is between 15 % slower and 5 % slower.',
    );
  });
  it('without', () => {
    expect(meanWords({ tested: { ...tested, low_pct: null, high_pct: null }, metric_name: 'orders', confidence_interval: null }, 'v2')).toBe('v2 is 10 % worse on the geometric mean; there is no interval yet.');
    expect(meanWords({ tested: null, metric_name: 'orders', confidence_interval: null }, 'v2')).toBeNull();
  });
});
