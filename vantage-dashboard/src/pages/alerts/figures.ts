import type { Api } from '../../api/types';
import { duration, percent } from '../../ui/format';
import { spanWords } from './spans';

/** What a rule watches: in words, and how its numbers are read. Pure. */

export type Rule = Api<'RuleBody'>;
export const REQUEST_METRIC = 'http.request.duration';

type Format = (value: number | null | undefined) => string;
/** What decides how a value is read. */
export type Watched = Pick<Rule, 'metric' | 'agg'> & { condition: Pick<Rule['condition'], 'kind'> };

const DURATIONS: readonly Rule['agg'][] = ['avg', 'sum', 'min', 'max', 'p50', 'p90', 'p95', 'p99'];
const AGG_WORDS: Partial<Record<Rule['agg'], string>> = { avg: 'mean' };
/** Of requests; the rate of a metric is its sum per second. */
const REQUEST_WORDS: Partial<Record<Rule['agg'], string>> = { count: 'requests', sum: 'request time', rate: 'request time per second' };

export function formatOf({ metric, agg, condition }: Watched): Format {
  switch (condition.kind) {
    case 'health':
      return plainNumber;
    case 'no_data':
      return (seconds) => (seconds === null || seconds === undefined ? '–' : spanWords(Math.round(seconds)));
    default:
      if (agg === 'error_ratio') return percent;
      if (agg === 'rate') return (value) => `${metric === REQUEST_METRIC ? duration(value) : plainNumber(value)}/s`;
      return metric === REQUEST_METRIC && DURATIONS.includes(agg) ? duration : plainNumber;
  }
}

/** Of a rule that may be gone. */
export const figureFormat = (rule: Rule | null): Format => (rule === null ? plainNumber : formatOf(rule));

/** Four digits that count, with separators. */
export function plainNumber(value: number | null | undefined): string {
  return value === null || value === undefined || Number.isNaN(value) ? '–' : value.toLocaleString('en-US', { maximumSignificantDigits: Math.abs(value) >= 1e4 ? 6 : 4 });
}

/** "p95 of http.request.duration" */
export function figureWords({ metric, agg, condition }: Watched): string {
  if (condition.kind === 'health') return 'health score';
  if (condition.kind === 'no_data') return metric === '' ? 'anything at all' : metric;
  if (agg === 'error_ratio') return 'error ratio';
  const figure = AGG_WORDS[agg] ?? agg;
  if (metric === REQUEST_METRIC) return REQUEST_WORDS[agg] ?? `${figure} of the request duration`;
  return agg === 'rate' ? `${metric} per second` : `${figure} of ${metric}`;
}

/** "p95 of the request duration over 5 min > 1.2 s, for 1 min" */
export function ruleWords(rule: Rule): string {
  const held = rule.for_s > 0 ? `, for ${spanWords(rule.for_s)}` : '';
  return conditionWords(rule) + held;
}

function conditionWords(rule: Rule): string {
  const { condition } = rule;
  const figure = `${figureWords(rule)} over ${spanWords(rule.window_s)}`;
  switch (condition.kind) {
    case 'fixed':
      return `${figure} ${condition.op} ${formatOf(rule)(condition.threshold)}`;
    case 'adaptive':
      return `${figure} ${DIRECTIONS[condition.direction]} by ${condition.warning_sigma}σ (critical: ${condition.critical_sigma}σ)`;
    case 'no_data':
      return `nothing of ${figureWords(rule)} for ${spanWords(rule.window_s)}`;
    case 'health':
      return `health score below ${condition.below}`;
  }
}

const DIRECTIONS = { up: 'above normal', down: 'below normal', both: 'off normal' };

/** The number at which it fires, where the rule itself has one. */
export function thresholdOf({ condition }: Rule): number | null {
  return condition.kind === 'fixed' ? condition.threshold : condition.kind === 'health' ? condition.below : null;
}
