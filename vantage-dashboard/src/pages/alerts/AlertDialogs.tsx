import { useId, useState } from 'react';
import { answer, http } from '../../api/client';
import { inertText } from '../../stream/logs';
import { Button } from '../../ui/Button';
import { Dialog } from '../../ui/Dialog';
import { faultsOf } from './faults';
import { QUIET_PRESETS } from './silenceDraft';
import { FormField, Refusal } from './parts';
import { useAlertChange, useChange, type Alert } from './queries';

/** What is asked before an alert is resolved or silenced. */

interface AlertDialogProps {
  alert: Alert;
  onClose: () => void;
}

export function ResolveDialog({ alert, onClose }: AlertDialogProps) {
  const [comment, setComment] = useState('');
  const resolve = useAlertChange<{ alert: Alert; comment: string }>(
    async ({ alert: { id }, comment: said }) => {
      await answer(http.POST('/api/alerts/{id}/resolve', { params: { path: { id } }, body: { comment: said } }));
      onClose();
    },
    // It stays where it is until the API has ended it: gone and back again would be a lie twice.
    (before) => before,
  );
  const form = useId();
  const submit = () => resolve.mutate({ alert, comment });
  return (
    <Dialog title="Resolve this alert" onClose={onClose} actions={<SubmitButtons form={form} text="Resolve" isWaiting={resolve.isPending} onClose={onClose} />}>
      <form id={form} className="alerts-form" onSubmit={(e) => { e.preventDefault(); submit(); }}>
        <p className="wide">It ends now, and does not come back before its cause has been gone once.</p>
        <CommentField value={comment} error={resolve.error} onChange={setComment} />
      </form>
      <Refusal error={resolve.error} />
    </Dialog>
  );
}

export function SilenceAlertDialog({ alert, onClose }: AlertDialogProps) {
  const [minutes, setMinutes] = useState('60');
  const [comment, setComment] = useState('');
  const silence = useChange(
    () => answer(http.POST('/api/alerts/{id}/silence', { params: { path: { id: alert.id } }, body: { minutes: Number(minutes), comment } })),
    onClose,
  );
  const form = useId();
  return (
    <Dialog title="Silence this alert" onClose={onClose} actions={<SubmitButtons form={form} text="Silence" isWaiting={silence.isPending} onClose={onClose} />}>
      <form id={form} className="alerts-form" onSubmit={(e) => { e.preventDefault(); silence.mutate(undefined); }}>
        <p className="wide">Nobody is told of “{inertText(alert.rule_name)}” for {inertText(alert.service_name)} in this time. The alert lives on; what still fires afterwards is told then.</p>
        <FormField label="Minutes" name="minutes" faults={faultsOf(silence.error)} hint={<Presets minutes={minutes} onChoose={setMinutes} />} wide>
          {(control) => <input {...control} type="number" inputMode="numeric" value={minutes} onChange={(e) => setMinutes(e.target.value)} />}
        </FormField>
        <CommentField value={comment} error={silence.error} onChange={setComment} />
      </form>
      <Refusal error={silence.error} />
    </Dialog>
  );
}

function Presets({ minutes, onChoose }: { minutes: string; onChoose: (minutes: string) => void }) {
  return (
    <span className="alerts-presets">
      {QUIET_PRESETS.map(([each, text]) => <Button key={each} pressed={minutes === String(each)} onClick={() => onChoose(String(each))}>{text}</Button>)}
    </span>
  );
}

function CommentField({ value, error, onChange }: { value: string; error: Error | null; onChange: (value: string) => void }) {
  return (
    <FormField label="Comment (optional)" name="comment" faults={faultsOf(error)} wide>
      {(control) => <textarea {...control} rows={2} value={value} onChange={(e) => onChange(e.target.value)} />}
    </FormField>
  );
}

export function SubmitButtons({ form, text, isWaiting, onClose }: { form: string; text: string; isWaiting: boolean; onClose: () => void }) {
  return (
    <>
      <Button onClick={onClose}>Cancel</Button>
      <Button className="primary" type="submit" form={form} disabled={isWaiting}>{isWaiting ? 'Saving…' : text}</Button>
    </>
  );
}
