import { useState } from 'react';
import { Button } from '../../ui/Button';
import { Dialog } from '../../ui/Dialog';
import { TextField } from '../../ui/Field';
import { nameProblem, type Variable } from './draft';

interface VariablesDialogProps {
  variables: readonly Variable[];
  onApply: (variables: Variable[]) => void;
  onClose: () => void;
}

/** A variable while it is written: its choices as one text. */
interface Row {
  name: string;
  default: string;
  choices: string;
}

const MOST = 20;

export function VariablesDialog({ variables, onApply, onClose }: VariablesDialogProps) {
  const [rows, setRows] = useState<Row[]>(() => variables.map(({ choices, ...rest }) => ({ ...rest, choices: choices.join(', ') })));
  const set = (index: number, part: Partial<Row>) => setRows(rows.map((row, i) => (i === index ? { ...row, ...part } : row)));
  const problems = rows.map(({ name }, i) => nameProblem(name, rows.filter((_, j) => j < i).map((row) => row.name)));
  const apply = () => onApply(rows.map(({ choices, ...rest }) => ({ ...rest, choices: choicesOf(choices) })));
  return (
    <Dialog wide title="Variables" onClose={onClose} actions={<><Button onClick={onClose}>Cancel</Button><Button className="primary" disabled={problems.some((problem) => problem !== null)} onClick={apply}>Apply</Button></>}>
      <p className="soft panel-form-hint">In a query <code>$name</code> stands for the value that is chosen on the page, as a text: it needs no quotes.</p>
      <ul className="variable-rows">
        {rows.map((row, i) => (
          <li key={i}>
            <TextField label="Name" quiet={false} maxLength={40} value={row.name} aria-invalid={problems[i] !== null} onChange={(name) => set(i, { name })} />
            <TextField label="Default" quiet={false} maxLength={200} value={row.default} onChange={(value) => set(i, { default: value })} />
            <TextField label="Choices, by comma" quiet={false} value={row.choices} onChange={(choices) => set(i, { choices })} />
            <Button className="ghost" aria-label={`Remove variable ${row.name}`} onClick={() => setRows(rows.filter((_, j) => j !== i))}>✕</Button>
            {row.name !== '' && problems[i] !== null && <p role="alert">{problems[i]}</p>}
          </li>
        ))}
      </ul>
      <Button disabled={rows.length >= MOST} onClick={() => setRows([...rows, { name: '', default: '', choices: '' }])}>Add variable</Button>
    </Dialog>
  );
}

const choicesOf = (text: string): string[] => [...new Set(text.split(',').map((choice) => choice.trim().slice(0, 200)).filter((choice) => choice !== ''))].slice(0, 100);
