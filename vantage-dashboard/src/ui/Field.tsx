import { useEffect, useState, type InputHTMLAttributes, type ReactNode, type SelectHTMLAttributes } from 'react';
import './field.css';

/** A labelled control. `label` is always read out, and shown unless `quiet`. */
export function Field({ label, quiet = false, children }: { label: string; quiet?: boolean; children: ReactNode }) {
  return (
    <label className="field">
      <span className={quiet ? 'visually-hidden' : 'field-label'}>{label}</span>
      {children}
    </label>
  );
}

interface SelectProps extends Omit<SelectHTMLAttributes<HTMLSelectElement>, 'onChange'> {
  label: string;
  quiet?: boolean;
  value: string;
  options: readonly (string | { value: string; text: string })[];
  onChange: (value: string) => void;
}

export function Select({ label, quiet = true, options, value, onChange, ...rest }: SelectProps) {
  const listed = options.map((option) => (typeof option === 'string' ? { value: option, text: option } : option));
  // What an address names may have gone; it is shown all the same rather than silently replaced.
  if (!listed.some((option) => option.value === value)) listed.push({ value, text: value });
  return (
    <Field label={label} quiet={quiet}>
      <select className="control" value={value} onChange={(e) => onChange(e.target.value)} {...rest}>
        {listed.map((option) => <option key={option.value} value={option.value}>{option.text}</option>)}
      </select>
    </Field>
  );
}

interface TextProps extends Omit<InputHTMLAttributes<HTMLInputElement>, 'onChange'> {
  label: string;
  quiet?: boolean;
  value: string;
  onChange: (value: string) => void;
}

export function TextField({ label, quiet = true, value, onChange, ...rest }: TextProps) {
  return (
    <Field label={label} quiet={quiet}>
      <input className="control" type="text" spellCheck={false} autoComplete="off" value={value} onChange={(e) => onChange(e.target.value)} {...rest} />
    </Field>
  );
}

const TYPING_PAUSE_MS = 300;

/** A text field whose `onChange` waits until the typing stops, for what is asked of a server or kept in an address. */
export function SettledField({ value, onChange, ...rest }: TextProps) {
  const [text, setText] = useState(value);
  const [seen, setSeen] = useState(value);
  // Changed from outside (a link, a cleared filter): that counts, whatever is being typed.
  if (value !== seen) {
    setSeen(value);
    setText(value);
  }
  useEffect(() => {
    if (text === value) return;
    const timer = window.setTimeout(() => onChange(text), TYPING_PAUSE_MS);
    return () => window.clearTimeout(timer);
  }, [text, value, onChange]);
  return <TextField value={text} onChange={setText} {...rest} />;
}
