import { useMutation } from '@tanstack/react-query';
import { useId, useState } from 'react';
import { answer, ApiError, http } from '../../api/client';
import type { Api } from '../../api/types';
import { Button } from '../../ui/Button';
import { Dialog } from '../../ui/Dialog';
import { SubmitButtons } from './AlertDialogs';
import { faultsBeside, faultsOf } from './faults';
import type { Rule } from './figures';
import { Refusal } from './parts';
import { useChange } from './queries';
import { bodyOf, draftOf, NEW_RULE, RULE_FIELDS, type RuleDraft } from './ruleDraft';
import { RuleFields } from './RuleFields';
import { PREVIEW_RANGES, type Days } from './lanes';
import { RulePreview } from './RulePreview';
import { useFaultFocus } from './useFaultFocus';

interface RuleDialogProps {
  /** Null for a new one. */
  view: Api<'RuleView'> | null;
  /** What a new one begins with. */
  template: Rule | null;
  onClose: () => void;
}

/** A rule in a form, with what it would have done. */
export function RuleDialog({ view, template, onClose }: RuleDialogProps) {
  const [draft, setDraft] = useState<RuleDraft>(() => firstDraft(view, template));
  const [version, setVersion] = useState(view?.version ?? 0);
  const save = useChange(async ({ body, over }: { body: Rule; over: 'seen' | 'newest' }) => {
    const id = view?.id ?? null;
    return put(id, body, over === 'newest' && id !== null ? (await newest(id)).version : version);
  }, onClose);
  const [days, setDays] = useState<Days>('1');
  const preview = useMutation({
    mutationFn: async (rule: Rule) => {
      const end = Date.now();
      const found = await answer(http.POST('/api/alerts/rules/preview', { body: { rule, start: String(end - PREVIEW_RANGES[days].ms), end: String(end) } }));
      return { rule, found };
    },
  });
  const form = useId();
  const error = save.error ?? preview.error;
  const faults = faultsOf(error);
  const fields = useFaultFocus(error);
  const change = (changed: Partial<RuleDraft>) => setDraft({ ...draft, ...changed });
  const isConflict = save.error instanceof ApiError && save.error.code === 'changed_meanwhile' && view !== null;
  const takeNewer = useMutation({
    mutationFn: newest,
    onSuccess: (newer) => {
      setDraft(newer.rule ? draftOf(newer.rule) : draft);
      setVersion(newer.version);
      save.reset();
    },
  });
  return (
    <Dialog wide title={view === null ? 'New rule' : view.built_in ? 'Built-in rule' : 'Rule'} onClose={onClose} actions={<SubmitButtons form={form} text={view === null ? 'Create' : 'Save'} isWaiting={save.isPending} onClose={onClose} />}>
      <div className="alerts-editor">
        <form
          id={form}
          ref={fields}
          className="alerts-form"
          noValidate
          onSubmit={(e) => {
            e.preventDefault();
            preview.reset();
            save.mutate({ body: bodyOf(draft), over: 'seen' });
          }}
        >
          {view?.built_in && <p className="wide soft">It came with Vantage. A change makes it your own; it can be turned off, but not deleted.</p>}
          <RuleFields draft={draft} faults={faults} onChange={change} />
        </form>
        <div>
          <Refusal
            error={error}
            action={
              isConflict && (
                <p className="alerts-actions">
                  <Button disabled={takeNewer.isPending} onClick={() => takeNewer.mutate(view.id)}>Show the newer one</Button>
                  <Button className="danger" disabled={save.isPending} onClick={() => save.mutate({ body: bodyOf(draft), over: 'newest' })}>Save mine over it</Button>
                </p>
              )
            }
          />
          <Beside faults={faultsBeside(faults, RULE_FIELDS)} />
          <RulePreview
            draft={draft}
            days={days}
            onDays={setDays}
            isTrying={preview.isPending}
            tried={preview.data ?? null}
            onTry={() => {
              save.reset();
              preview.mutate(bodyOf(draft));
            }}
          />
        </div>
      </div>
    </Dialog>
  );
}

function firstDraft(view: RuleDialogProps['view'], template: Rule | null): RuleDraft {
  if (view?.rule) return draftOf(view.rule);
  return template ? { ...draftOf(template), name: `${template.name} (copy)` } : NEW_RULE;
}

const newest = (id: string) => answer(http.GET('/api/alerts/rules/{id}', { params: { path: { id } } }));

function put(id: string | null, body: Rule, version: number) {
  return answer(id === null ? http.POST('/api/alerts/rules', { body }) : http.PATCH('/api/alerts/rules/{id}', { params: { path: { id }, query: { version } }, body }));
}

function Beside({ faults }: { faults: readonly string[] }) {
  if (faults.length === 0) return null;
  return <ul className="tone-unhealthy">{faults.map((fault) => <li key={fault}>{fault}</li>)}</ul>;
}
