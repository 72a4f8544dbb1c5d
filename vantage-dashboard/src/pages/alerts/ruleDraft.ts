import { REQUEST_METRIC, type Rule } from './figures';
import { secondsOf, spanText } from './spans';

/** A rule as its form has it: every field as typed, so that nothing is lost while it is half written. Pure. */

export type Kind = Rule['condition']['kind'];

export interface RuleDraft {
  name: string;
  service: string;
  environment: string;
  metric: string;
  agg: Rule['agg'];
  window: string;
  held: string;
  minSamples: string;
  severity: Rule['severity'];
  enabled: boolean;
  channels: string[];
  labels: string;
  runbook: string;
  kind: Kind;
  op: '>' | '>=' | '<' | '<=';
  threshold: string;
  recover: string;
  direction: 'up' | 'down' | 'both';
  warningSigma: string;
  criticalSigma: string;
  recoverSigma: string;
  minDeviation: string;
  below: string;
  recoverBy: string;
}

/** Fields that the form shows, by their names in the API's faults. */
export const RULE_FIELDS = ['name', 'service', 'environment', 'metric', 'agg', 'window_s', 'for_s', 'min_samples', 'severity', 'channels', 'labels', 'runbook', 'condition'] as const;

export const NEW_RULE: RuleDraft = {
  name: '', service: '*', environment: '', metric: REQUEST_METRIC, agg: 'p95', window: '5m', held: '1m', minSamples: '20', severity: 'warning', enabled: true, channels: [], labels: '', runbook: '',
  kind: 'fixed', op: '>', threshold: '', recover: '', direction: 'up', warningSigma: '2', criticalSigma: '3', recoverSigma: '1.5', minDeviation: '0', below: '50', recoverBy: '5',
};

export function draftOf(rule: Rule): RuleDraft {
  return {
    ...NEW_RULE,
    name: rule.name,
    service: rule.service,
    environment: rule.environment ?? '',
    metric: rule.metric,
    agg: rule.agg,
    window: spanText(rule.window_s),
    held: spanText(rule.for_s),
    minSamples: String(rule.min_samples),
    severity: rule.severity,
    enabled: rule.enabled,
    channels: rule.channels,
    labels: Object.entries(rule.labels).map(([name, value]) => `${name}=${value}`).join('\n'),
    runbook: rule.runbook,
    ...conditionDraft(rule.condition),
  };
}

function conditionDraft(condition: Rule['condition']): Partial<RuleDraft> {
  switch (condition.kind) {
    case 'fixed':
      return { kind: 'fixed', op: condition.op, threshold: String(condition.threshold), recover: String(condition.recover ?? '') };
    case 'adaptive':
      return {
        kind: 'adaptive',
        direction: condition.direction,
        warningSigma: String(condition.warning_sigma),
        criticalSigma: String(condition.critical_sigma),
        recoverSigma: String(condition.recover_sigma),
        minDeviation: String(condition.min_deviation),
      };
    case 'no_data':
      return { kind: 'no_data' };
    case 'health':
      return { kind: 'health', below: String(condition.below), recoverBy: String(condition.recover_by) };
  }
}

/** As the API takes it. What is no number goes as nothing: the API says then what is wrong with which field. */
export function bodyOf(draft: RuleDraft): Rule {
  return {
    name: draft.name.trim(),
    service: draft.service.trim(),
    environment: draft.environment === '' ? null : draft.environment,
    metric: draft.metric.trim(),
    agg: draft.agg,
    window_s: secondsOf(draft.window) as number,
    for_s: secondsOf(draft.held) as number,
    min_samples: numberOf(draft.minSamples),
    severity: draft.severity,
    enabled: draft.enabled,
    channels: draft.channels,
    labels: labelsOf(draft.labels),
    runbook: draft.runbook,
    condition: conditionOf(draft),
  };
}

function conditionOf(draft: RuleDraft): Rule['condition'] {
  switch (draft.kind) {
    case 'fixed':
      return { kind: 'fixed', op: draft.op, threshold: numberOf(draft.threshold), recover: draft.recover.trim() === '' ? null : numberOf(draft.recover) };
    case 'adaptive':
      return {
        kind: 'adaptive',
        direction: draft.direction,
        warning_sigma: numberOf(draft.warningSigma),
        critical_sigma: numberOf(draft.criticalSigma),
        recover_sigma: numberOf(draft.recoverSigma),
        min_deviation: numberOf(draft.minDeviation),
      };
    case 'no_data':
      return { kind: 'no_data' };
    case 'health':
      return { kind: 'health', below: numberOf(draft.below), recover_by: numberOf(draft.recoverBy) };
  }
}

/** JSON has no NaN: it travels as null, which the API refuses with the field's name. */
const numberOf = (text: string): number => (text.trim() === '' ? NaN : Number(text));

/** A line each, "name=value"; a line without a sign is a name with an empty value. */
function labelsOf(text: string): Record<string, string> {
  const lines = text.split('\n').map((line) => line.trim()).filter((line) => line !== '');
  return Object.fromEntries(lines.map((line) => {
    const [name = '', ...rest] = line.split('=');
    return [name.trim(), rest.join('=').trim()];
  }));
}
