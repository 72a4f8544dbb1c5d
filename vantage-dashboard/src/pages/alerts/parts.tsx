import { useId, type ReactNode } from 'react';
import { ApiError } from '../../api/client';
import { inertText } from '../../stream/logs';
import { Button } from '../../ui/Button';
import { Dialog } from '../../ui/Dialog';
import { faultAt, type Faults } from './faults';
import type { Look } from './looks';

/** Small things that the tabs share. */

/** A text that people or their programs wrote: inert, on a few lines at most, whole when pointed at. */
export function Wording({ children, className = '' }: { children: string; className?: string }) {
  const text = inertText(children);
  return <span className={`alerts-wording ${className}`} title={text.length > 60 ? text.slice(0, 1000) : undefined}>{text}</span>;
}

/** Shape and word. */
export function Mark({ look: { glyph, tone, word } }: { look: Look }) {
  return (
    <span className="alerts-mark">
      <span className={`tone-${tone}`} aria-hidden="true">{glyph}</span> {word}
    </span>
  );
}

/** Why the API did not do it, and what would help. */
export function Refusal({ error, action }: { error: Error | null; action?: ReactNode }) {
  if (error === null) return null;
  const isKnown = error instanceof ApiError;
  if (isKnown && error.details.length > 0) return <div className="alerts-refusal" role="alert"><p><span className="tone-unhealthy" aria-hidden="true">◆ </span>Nothing was saved: see the marked fields.</p></div>;
  return (
    <div className="alerts-refusal" role="alert">
      <p><span className="tone-unhealthy" aria-hidden="true">◆ </span>{isKnown ? sentence(error.message) : 'The Vantage API does not answer. Nothing was changed.'}</p>
      {isKnown && error.hint !== null && <p className="soft">{sentence(error.hint)}</p>}
      {action}
    </div>
  );
}

const sentence = (text: string): string => `${text.charAt(0).toUpperCase()}${text.slice(1)}${/[.?!]$/.test(text) ? '' : '.'}`;

interface ConfirmProps {
  title: string;
  confirm: string;
  isWaiting: boolean;
  error: Error | null;
  onConfirm: () => void;
  onClose: () => void;
  children: ReactNode;
}

/** Asks before something is done that cannot be taken back. */
export function Confirm({ title, confirm, isWaiting, error, onConfirm, onClose, children }: ConfirmProps) {
  const actions = (
    <>
      <Button onClick={onClose}>Cancel</Button>
      <Button className="danger" disabled={isWaiting} onClick={onConfirm}>{confirm}</Button>
    </>
  );
  return (
    <Dialog title={title} onClose={onClose} actions={actions}>
      {children}
      <Refusal error={error} />
    </Dialog>
  );
}

interface FormFieldProps {
  label: string;
  /** Its name in the API's faults. */
  name: string;
  faults: Faults;
  hint?: ReactNode;
  wide?: boolean;
  children: (control: { id: string; className: string; 'aria-invalid': boolean; 'aria-describedby': string }) => ReactNode;
}

/** A labelled control with what it takes, and what the API found wrong with it. */
export function FormField({ label, name, faults, hint, wide = false, children }: FormFieldProps) {
  const id = useId();
  const fault = faultAt(faults, name);
  return (
    <div className={wide ? 'alerts-field wide' : 'alerts-field'}>
      <label htmlFor={id}>{label}</label>
      {children({ id, className: 'control', 'aria-invalid': fault !== undefined, 'aria-describedby': `${id}-about` })}
      <div id={`${id}-about`}>
        {fault !== undefined && <p className="tone-unhealthy"><span aria-hidden="true">◆ </span>{sentence(fault)}</p>}
        {hint !== undefined && <p className="soft">{hint}</p>}
      </div>
    </div>
  );
}

/** On or off, at once. */
export function Switch({ label, on, disabled, onChange }: { label: string; on: boolean; disabled: boolean; onChange: (on: boolean) => void }) {
  return (
    <button type="button" className="alerts-switch" role="switch" aria-checked={on} aria-label={label} disabled={disabled} onClick={() => onChange(!on)}>
      <span aria-hidden="true" />
      {on ? 'On' : 'Off'}
    </button>
  );
}

const WHEN = new Intl.DateTimeFormat(undefined, { month: 'short', day: 'numeric', hour: '2-digit', minute: '2-digit', second: '2-digit', hourCycle: 'h23' });

export function Moment({ at }: { at: number }) {
  return <time className="num alerts-moment" dateTime={new Date(at).toISOString()}>{WHEN.format(at)}</time>;
}
