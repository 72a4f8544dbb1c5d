import { useId, useState } from 'react';
import { answer, http } from '../../api/client';
import type { Api } from '../../api/types';
import { inertText } from '../../stream/logs';
import { Button } from '../../ui/Button';
import { Dialog } from '../../ui/Dialog';
import { Select } from '../../ui/Field';
import { SubmitButtons } from './AlertDialogs';
import { faultAt, faultsBeside, faultsOf, type Faults } from './faults';
import { useServerNow } from './live';
import { covers, FIELD_WORDS, type Matcher } from './matchers';
import { FormField, Refusal } from './parts';
import { useActive, useChange } from './queries';
import { NEW_SILENCE, QUIET_PRESETS, silenceBodyOf, silenceDraftOf, type SilenceDraft } from './silenceDraft';
import { secondsOf, spanText } from './spans';
import { useFaultFocus } from './useFaultFocus';

const SHOWN = ['matchers', 'start_ms', 'end_ms', 'comment', ''] as const;
const FIELDS = Object.entries(FIELD_WORDS).map(([value, text]) => ({ value, text }));
const MOST_MATCHERS = 10;

export function SilenceDialog({ silence, onClose }: { silence: Api<'SilenceView'> | null; onClose: () => void }) {
  const [draft, setDraft] = useState<SilenceDraft>(() => (silence ? silenceDraftOf(silence) : NEW_SILENCE));
  const [version] = useState(silence?.version ?? 0);
  const save = useChange((body: Api<'SilenceBody'>) => put(silence?.id ?? null, body, version), onClose);
  const form = useId();
  const now = useServerNow();
  const faults = faultsOf(save.error);
  const fields = useFaultFocus(save.error);
  const change = (changed: Partial<SilenceDraft>) => setDraft({ ...draft, ...changed });
  const rest = [...faultsBeside(faults, SHOWN), ...(faults[''] === undefined ? [] : [faults['']])];
  return (
    <Dialog title={silence ? 'Silence' : 'New silence'} onClose={onClose} actions={<SubmitButtons form={form} text={silence ? 'Save' : 'Silence'} isWaiting={save.isPending} onClose={onClose} />}>
      <form
        id={form}
        ref={fields}
        className="alerts-form"
        noValidate
        onSubmit={(e) => {
          e.preventDefault();
          save.mutate(silenceBodyOf(draft, Math.round(now)));
        }}
      >
        <Matchers matchers={draft.matchers} faults={faults} onChange={(matchers) => change({ matchers })} />
        <FormField label="From" name="start_ms" faults={faults} hint="Left empty: from now on.">
          {(control) => <input {...control} type="datetime-local" step={1} value={draft.start} onChange={(e) => change({ start: e.target.value })} />}
        </FormField>
        <Until draft={draft} faults={faults} onChange={change} />
        <FormField label="Comment" name="comment" faults={faults} hint="Why, for those who wonder why nobody was told." wide>
          {(control) => <textarea {...control} rows={2} value={draft.comment} onChange={(e) => change({ comment: e.target.value })} />}
        </FormField>
      </form>
      <Refusal error={save.error} />
      {rest.length > 0 && <ul className="tone-unhealthy">{rest.map((fault) => <li key={fault}>{fault}</li>)}</ul>}
    </Dialog>
  );
}

function put(id: string | null, body: Api<'SilenceBody'>, version: number) {
  return answer(id === null ? http.POST('/api/alerts/silences', { body }) : http.PATCH('/api/alerts/silences/{id}', { params: { path: { id }, query: { version } }, body }));
}

function Until({ draft, faults, onChange }: { draft: SilenceDraft; faults: Faults; onChange: (change: Partial<SilenceDraft>) => void }) {
  if (draft.until !== '') {
    return (
      <FormField label="Until" name="end_ms" faults={faults}>
        {(control) => <input {...control} type="datetime-local" step={1} value={draft.until} onChange={(e) => onChange({ until: e.target.value })} />}
      </FormField>
    );
  }
  const presets = (
    <span className="alerts-presets">
      {QUIET_PRESETS.map(([minutes, text]) => <Button key={minutes} pressed={secondsOf(draft.length) === minutes * 60} onClick={() => onChange({ length: spanText(minutes * 60) })}>{text}</Button>)}
    </span>
  );
  return (
    <FormField label="For" name="end_ms" faults={faults} hint={presets}>
      {(control) => <input {...control} type="text" autoComplete="off" value={draft.length} onChange={(e) => onChange({ length: e.target.value })} />}
    </FormField>
  );
}

function Matchers({ matchers, faults, onChange }: { matchers: readonly Matcher[]; faults: Faults; onChange: (matchers: Matcher[]) => void }) {
  const alerts = useActive().data?.alerts ?? [];
  const fitting = alerts.filter((alert) => covers(matchers, alert));
  const set = (at: number, changed: Partial<Matcher>) => onChange(matchers.map((matcher, i) => (i === at ? { ...matcher, ...changed } : matcher)));
  return (
    <fieldset className="alerts-matcher-fields wide">
      <legend>Silenced is what fits all of</legend>
      {matchers.map((matcher, i) => {
        const fault = faultAt(faults, `matchers.${i}`);
        return (
          <div key={i} className="alerts-matcher">
            <Select label={`Field ${i + 1}`} value={matcher.field} options={FIELDS} onChange={(field) => set(i, { field: field as Matcher['field'] })} />
            {matcher.field === 'label' && <input className="control" aria-label={`Name of label ${i + 1}`} placeholder="label" value={matcher.label} onChange={(e) => set(i, { label: e.target.value })} />}
            <span aria-hidden="true">=</span>
            <input className="control" aria-label={`Pattern ${i + 1}`} placeholder="pattern, * stands for anything" spellCheck={false} autoComplete="off" value={matcher.value} aria-invalid={fault !== undefined} onChange={(e) => set(i, { value: e.target.value })} />
            <Button className="ghost" aria-label={`Remove condition ${i + 1}`} disabled={matchers.length === 1} onClick={() => onChange(matchers.filter((_, at) => at !== i))}>✕</Button>
            {fault !== undefined && <p className="tone-unhealthy"><span aria-hidden="true">◆ </span>{fault}</p>}
          </div>
        );
      })}
      <p className="alerts-actions">
        <Button disabled={matchers.length >= MOST_MATCHERS} onClick={() => onChange([...matchers, { field: 'rule_name', value: '', label: '' }])}>And…</Button>
        <span className="soft" role="status" data-testid="silence-fits">
          {fitting.length === 0 ? 'Fits none of the alerts alive now.' : `Fits ${fitting.length} of ${alerts.length} alerts alive now: ${namesOf(fitting)}.`}
        </span>
      </p>
    </fieldset>
  );
}

const NAMED = 3;

function namesOf(alerts: readonly Api<'AlertView'>[]): string {
  const names = [...new Set(alerts.map(({ service_name }) => inertText(service_name).slice(0, 60)))];
  return names.slice(0, NAMED).join(', ') + (names.length > NAMED ? ', …' : '');
}
