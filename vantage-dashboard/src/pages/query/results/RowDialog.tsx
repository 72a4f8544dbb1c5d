import { Link } from 'react-router';
import { useLinkTo } from '../../../app/address';
import { inertText } from '../../../stream/logs';
import { Dialog } from '../../../ui/Dialog';
import { fullText, type Column } from './cells';
import { pathOf } from './paths';

/** Everything in one row: long texts whole, maps key by key. */
export function RowDialog({ row, columns, onClose }: { row: readonly unknown[]; columns: readonly Column[]; onClose: () => void }) {
  return (
    <Dialog title="Row" onClose={onClose}>
      <dl className="row-fields">
        {columns.map((column, i) => <Field key={i} value={row[i]} column={column} />)}
      </dl>
    </Dialog>
  );
}

function Field({ value, column }: { value: unknown; column: Column }) {
  const linkTo = useLinkTo();
  const path = pathOf(value, column);
  const text = lines(fullText(value, column));
  return (
    <div>
      <dt>{column.name}</dt>
      <dd className="mono">
        {isMap(value) ? <Entries map={value} /> : text === '' ? <span className="soft">(empty)</span> : path === null ? text : <Link to={linkTo(path)}>{text}</Link>}
      </dd>
    </div>
  );
}

function Entries({ map }: { map: Record<string, unknown> }) {
  const entries = Object.entries(map);
  if (entries.length === 0) return <span className="soft">empty</span>;
  return <ul>{entries.map(([key, value]) => <li key={key}><span className="soft">{inertText(key)}</span> {inertText(String(value))}</li>)}</ul>;
}

const isMap = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null && !Array.isArray(value);
/** Inert, with its line breaks. */
const lines = (text: string): string => text.split('\n').map(inertText).join('\n');
