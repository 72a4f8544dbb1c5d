import { useQuery } from '@tanstack/react-query';
import { useId } from 'react';
import { answer, http } from '../../api/client';
import { useServices } from '../../app/services';
import { inertText } from '../../stream/logs';
import { faultAt, type Faults } from './faults';
import { REQUEST_METRIC, type Rule } from './figures';
import { FormField } from './parts';
import { useChannels } from './queries';
import type { Kind, RuleDraft } from './ruleDraft';
import { secondsOf, spanWords } from './spans';

/** The fields of a rule. */

const AGGS: readonly [Rule['agg'], string][] = [['avg', 'mean'], ['p50', 'p50'], ['p90', 'p90'], ['p95', 'p95'], ['p99', 'p99'], ['min', 'min'], ['max', 'max'], ['sum', 'sum'], ['count', 'count'], ['rate', 'sum per second'], ['error_ratio', 'error ratio']];
const KINDS: readonly [Kind, string, string][] = [
  ['fixed', 'Threshold', 'Compared with a number of yours.'],
  ['adaptive', 'Out of the ordinary', 'Compared with what is normal at this hour of the week. Needs a week of data.'],
  ['no_data', 'Silence', 'Nothing comes from a service that was there within a day.'],
  ['health', 'Health', 'The health score is low.'],
];
const LEARNED_WINDOWS = ['1m', '5m', '10m'] as const;

interface FieldsProps {
  draft: RuleDraft;
  faults: Faults;
  onChange: (change: Partial<RuleDraft>) => void;
}

export function RuleFields({ draft, faults, onChange }: FieldsProps) {
  const hasFigure = draft.kind === 'fixed' || draft.kind === 'adaptive';
  return (
    <>
      <FormField label="Name" name="name" faults={faults} wide>
        {(control) => <input {...control} type="text" autoComplete="off" value={draft.name} onChange={(e) => onChange({ name: e.target.value })} />}
      </FormField>
      <KindChoice draft={draft} onChange={onChange} />
      <Where draft={draft} faults={faults} onChange={onChange} />
      {draft.kind !== 'health' && <MetricField draft={draft} faults={faults} onChange={onChange} />}
      {hasFigure && (
        <FormField label="Figure" name="agg" faults={faults}>
          {(control) => <select {...control} value={draft.agg} onChange={(e) => onChange({ agg: e.target.value as Rule['agg'] })}>{AGGS.map(([agg, text]) => <option key={agg} value={agg}>{text}</option>)}</select>}
        </FormField>
      )}
      <WindowField draft={draft} faults={faults} onChange={onChange} />
      <Condition draft={draft} faults={faults} onChange={onChange} />
      <FormField label="Has to hold for" name="for_s" faults={faults} hint={secondsOf(draft.held) === 0 ? 'It fires at once.' : lengthHint(draft.held, 'before it fires')}>
        {(control) => <input {...control} type="text" autoComplete="off" value={draft.held} onChange={(e) => onChange({ held: e.target.value })} />}
      </FormField>
      {hasFigure && (
        <FormField label="Least observations" name="min_samples" faults={faults} hint="A window with fewer is not judged.">
          {(control) => <input {...control} type="number" min={1} value={draft.minSamples} onChange={(e) => onChange({ minSamples: e.target.value })} />}
        </FormField>
      )}
      <FormField label="Severity" name="severity" faults={faults} hint={draft.kind === 'adaptive' ? 'The worst it gets: below the critical deviation it is a warning.' : undefined}>
        {(control) => (
          <select {...control} value={draft.severity} onChange={(e) => onChange({ severity: e.target.value as Rule['severity'] })}>
            <option value="warning">▲ Warning</option>
            <option value="critical">◆ Critical</option>
          </select>
        )}
      </FormField>
      <ChannelChoice draft={draft} faults={faults} onChange={onChange} />
      <FormField label="Labels" name="labels" faults={faults} hint="A line each, name=value. Silences can name them.">
        {(control) => <textarea {...control} rows={2} spellCheck={false} value={draft.labels} onChange={(e) => onChange({ labels: e.target.value })} />}
      </FormField>
      <FormField label="Runbook" name="runbook" faults={faults} hint="What to do, or where it is written. It goes out with the message.">
        {(control) => <textarea {...control} rows={2} value={draft.runbook} onChange={(e) => onChange({ runbook: e.target.value })} />}
      </FormField>
      <label className="alerts-check"><input type="checkbox" checked={draft.enabled} onChange={(e) => onChange({ enabled: e.target.checked })} /> The rule is on</label>
    </>
  );
}

function KindChoice({ draft, onChange }: Omit<FieldsProps, 'faults'>) {
  const name = useId();
  return (
    <fieldset className="alerts-kinds wide">
      <legend>Fires by</legend>
      {KINDS.map(([kind, title, about]) => (
        <label key={kind}>
          <input type="radio" name={name} checked={draft.kind === kind} onChange={() => onChange({ kind })} />
          <strong>{title}</strong>
          <span className="soft">{about}</span>
        </label>
      ))}
    </fieldset>
  );
}

function Where({ draft, faults, onChange }: FieldsProps) {
  const list = useId();
  const services = useServices().data?.services ?? [];
  const environments = [...new Set([...services.map(({ environment }) => environment), draft.environment].filter((name) => name !== ''))].sort();
  const names = [...new Set(services.map(({ service_name }) => service_name))];
  return (
    <>
      <FormField label="Service" name="service" faults={faults} hint="A name, seen or not; * is each service by itself.">
        {(control) => (
          <>
            <input {...control} type="text" list={list} autoComplete="off" spellCheck={false} value={draft.service} onChange={(e) => onChange({ service: e.target.value })} />
            <datalist id={list}><option value="*">each service</option>{names.map((each) => <option key={each} value={each} />)}</datalist>
          </>
        )}
      </FormField>
      <FormField label="Environment" name="environment" faults={faults}>
        {(control) => (
          <select {...control} value={draft.environment} onChange={(e) => onChange({ environment: e.target.value })}>
            <option value="">All together</option>
            {environments.map((each) => <option key={each} value={each}>{inertText(each)}</option>)}
          </select>
        )}
      </FormField>
    </>
  );
}

const METRICS_LISTED = 500;

function MetricField({ draft, faults, onChange }: FieldsProps) {
  const list = useId();
  const { data } = useQuery({
    queryKey: ['metric names'],
    queryFn: ({ signal }) => answer(http.GET('/api/metrics', { params: { query: { limit: METRICS_LISTED } }, signal })),
    staleTime: 60_000,
  });
  const names = [...new Set(data?.metrics.map(({ metric_name }) => metric_name))];
  return (
    <FormField label="Metric" name="metric" faults={faults} hint={draft.kind === 'no_data' ? 'Left empty: anything at all.' : undefined}>
      {(control) => (
        <>
          <input {...control} type="text" list={list} autoComplete="off" spellCheck={false} value={draft.metric} onChange={(e) => onChange({ metric: e.target.value })} />
          <datalist id={list}>{names.map((each) => <option key={each} value={each} />)}</datalist>
        </>
      )}
    </FormField>
  );
}

function WindowField({ draft, faults, onChange }: FieldsProps) {
  if (draft.kind !== 'adaptive') {
    return (
      <FormField label="Window" name="window_s" faults={faults} hint={lengthHint(draft.window, 'looked at each time')}>
        {(control) => <input {...control} type="text" autoComplete="off" value={draft.window} onChange={(e) => onChange({ window: e.target.value })} />}
      </FormField>
    );
  }
  return (
    <FormField label="Window" name="window_s" faults={faults} hint="Normal is learned for these.">
      {(control) => (
        <select {...control} value={draft.window} onChange={(e) => onChange({ window: e.target.value })}>
          {[...new Set<string>([...LEARNED_WINDOWS, draft.window])].map((each) => <option key={each} value={each}>{each}</option>)}
        </select>
      )}
    </FormField>
  );
}

function lengthHint(text: string, after: string): string {
  const seconds = secondsOf(text);
  return seconds === null ? 'Such as 30s, 5m or 1h 30m.' : `${spanWords(seconds)} ${after}.`;
}

function Condition({ draft, faults, onChange }: FieldsProps) {
  const number = (label: string, name: string, field: keyof RuleDraft & ('threshold' | 'recover' | 'warningSigma' | 'criticalSigma' | 'recoverSigma' | 'minDeviation' | 'below' | 'recoverBy'), hint?: string) => (
    <FormField key={name} label={label} name={`condition.${name}`} faults={faults} hint={hint}>
      {(control) => <input {...control} type="text" inputMode="decimal" autoComplete="off" value={draft[field]} onChange={(e) => onChange({ [field]: e.target.value })} />}
    </FormField>
  );
  const said = faults['condition'];
  return (
    <>
      {draft.kind === 'fixed' && (
        <>
          <FormField label="Fires when it is" name="condition.op" faults={faults}>
            {(control) => <select {...control} value={draft.op} onChange={(e) => onChange({ op: e.target.value as RuleDraft['op'] })}>{['>', '>=', '<', '<='].map((op) => <option key={op}>{op}</option>)}</select>}
          </FormField>
          {number('Threshold', 'threshold', 'threshold', unitHint(draft))}
          {number('Well again at', 'recover', 'recover', 'Left empty: at the threshold.')}
        </>
      )}
      {draft.kind === 'adaptive' && (
        <>
          <FormField label="Direction" name="condition.direction" faults={faults}>
            {(control) => (
              <select {...control} value={draft.direction} onChange={(e) => onChange({ direction: e.target.value as RuleDraft['direction'] })}>
                <option value="up">above normal</option>
                <option value="down">below normal</option>
                <option value="both">either way</option>
              </select>
            )}
          </FormField>
          {number('Warning from (σ)', 'warning_sigma', 'warningSigma')}
          {number('Critical from (σ)', 'critical_sigma', 'criticalSigma')}
          {number('Well again below (σ)', 'recover_sigma', 'recoverSigma')}
          {number('Least deviation', 'min_deviation', 'minDeviation', `Less is never out of the ordinary. ${unitHint(draft)}`)}
        </>
      )}
      {draft.kind === 'health' && (
        <>
          {number('Score below', 'below', 'below', '0 to 100.')}
          {number('Well again above by', 'recover_by', 'recoverBy', 'Points.')}
        </>
      )}
      {said !== undefined && <p className="wide tone-unhealthy" role="alert"><span aria-hidden="true">◆ </span>{said}</p>}
    </>
  );
}

const draftWindow = (text: string): string => (secondsOf(text) === null ? 'the window' : spanWords(secondsOf(text)!));

function unitHint({ metric, agg, window }: RuleDraft): string {
  if (agg === 'error_ratio') return 'A share: 0.05 is 5 %.';
  if (metric !== REQUEST_METRIC) return agg === 'rate' ? 'In the unit of the metric, per second.' : 'In the unit of the metric.';
  if (agg === 'count') return `Requests in ${draftWindow(window)}.`;
  return agg === 'rate' ? 'Milliseconds per second.' : 'Milliseconds.';
}

function ChannelChoice({ draft, faults, onChange }: FieldsProps) {
  const { data } = useChannels();
  const known = data?.channels ?? [];
  const listed = [...known.map(({ id, name }) => ({ id, name })), ...draft.channels.filter((id) => !known.some((channel) => channel.id === id)).map((id) => ({ id, name: `${id} (deleted)` }))];
  const fault = faultAt(faults, 'channels');
  return (
    <fieldset className="alerts-channel-choice wide">
      <legend>Told to</legend>
      {listed.map(({ id, name }) => (
        <label key={id} className="alerts-check">
          <input type="checkbox" checked={draft.channels.includes(id)} onChange={(e) => onChange({ channels: e.target.checked ? [...draft.channels, id] : draft.channels.filter((each) => each !== id) })} /> {inertText(name)}
        </label>
      ))}
      {listed.length === 0 && <span className="soft">There are no channels yet: it shows here and in the city.</span>}
      {fault !== undefined && <p className="tone-unhealthy">{fault}</p>}
    </fieldset>
  );
}
