import { useEffect, useRef, useState, type KeyboardEvent } from 'react';
import { Button } from '../ui/Button';
import { duration, percent, rate } from '../ui/format';
import type { ServiceRow } from '../world/model';
import { STATUS_BY_SEVERITY, statusLook } from '../world/status';
import { inertText } from '../stream/logs';
import { countByStatus } from '../world/summary';
import { sortOf, sortRows, writeSort, type SortKey } from './sortRows';
import './table.css';

export interface TableTwinProps {
  rows: readonly ServiceRow[];
  selectedId: string | null;
  note: string | null;
  /** "name", or "-rps" for the greatest first. */
  sort: string;
  /** When the numbers are not of now. */
  isPast: boolean;
  onSort: (sort: string) => void;
  onSelect: (id: string) => void;
}

const COLUMNS: readonly { key: SortKey; title: string; numeric: boolean }[] = [
  { key: 'status', title: 'Status', numeric: false },
  { key: 'name', title: 'Service', numeric: false },
  { key: 'district', title: 'District', numeric: false },
  { key: 'health', title: 'Health', numeric: true },
  { key: 'rps', title: 'Requests/s', numeric: true },
  { key: 'errorRatio', title: 'Errors', numeric: true },
  { key: 'p95Ms', title: 'p95', numeric: true },
  { key: 'pods', title: 'Pods', numeric: true },
];

/** A page of many thousand rows answers nobody; what needs attention comes first anyway. */
const ROWS = 500;

/** The whole city as a table: the same numbers, reachable by keyboard and by ear. */
export function TableTwin({ rows, selectedId, note, sort: written, isPast, onSort, onSelect }: TableTwinProps) {
  const sort = sortOf(written);
  const body = useRef<HTMLTableSectionElement>(null);
  const [room, setRoom] = useState(ROWS);
  // What a frame is to the city, a paint is to the table.
  useEffect(() => {
    const painted = requestAnimationFrame(() => window.__vantage?.shown(rows));
    return () => cancelAnimationFrame(painted);
  }, [rows]);
  const sorted = sortRows(rows, sort.key, sort.descending);

  /** Up and down go from service to service, as in a list. */
  const keyDown = (e: KeyboardEvent) => {
    const buttons = [...(body.current?.querySelectorAll<HTMLButtonElement>('button') ?? [])];
    const at = buttons.indexOf(document.activeElement as HTMLButtonElement);
    if (at === -1) return;
    const to = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: buttons.length - 1 }[e.key];
    if (to === undefined) return;
    e.preventDefault();
    buttons[to]?.focus();
  };

  return (
    <section className="twin" data-testid="table-twin" data-own-keys aria-label="All services" tabIndex={0}>
      {note !== null && <p className="twin-note soft" role="status">{note}</p>}
      <Announced rows={rows} />
      <table>
        <caption className="visually-hidden">All services with their numbers {isPast ? 'at the moment shown' : 'of now'}</caption>
        <thead>
          <tr>
            {COLUMNS.map(({ key, title, numeric }) => (
              <th key={key} scope="col" className={numeric ? 'numeric' : ''} aria-sort={sort.key === key ? (sort.descending ? 'descending' : 'ascending') : 'none'}>
                <button type="button" onClick={() => onSort(writeSort(key, sort.key === key ? !sort.descending : numeric))}>
                  {title} <span aria-hidden="true">{sort.key === key ? (sort.descending ? '↓' : '↑') : ''}</span>
                </button>
              </th>
            ))}
          </tr>
        </thead>
        <tbody ref={body} className="num" onKeyDown={keyDown}>
          {sorted.slice(0, room).map((row) => {
            const { glyph, tone, word } = statusLook(row.status);
            return (
              <tr key={row.id} data-service={row.id} data-severity={STATUS_BY_SEVERITY.indexOf(row.status)} aria-current={row.id === selectedId || undefined} onClick={() => onSelect(row.id)}>
                <td className={`tone-${tone}`}><span aria-hidden="true">{glyph}</span> {word}</td>
                <th scope="row"><button type="button" onClick={() => onSelect(row.id)}>{inertText(row.name)}</button> <span className="soft">{inertText(row.environment)}</span></th>
                <td className="soft">{inertText(row.district)}</td>
                <td className="numeric">{row.health ?? '–'}</td>
                <td className="numeric">{rate(row.rps)}</td>
                <td className={`numeric ${(row.errorRatio ?? 0) > 0.01 ? `tone-${tone}` : ''}`}>{percent(row.errorRatio)}</td>
                <td className="numeric">{duration(row.p95Ms)}</td>
                <td className="numeric">{row.pods}</td>
              </tr>
            );
          })}
        </tbody>
      </table>
      {rows.length > room && (
        <p className="twin-more soft">
          <span className="num">{room} of {rows.length}</span> services. <Button onClick={() => setRoom(room + ROWS)}>Show {Math.min(ROWS, rows.length - room)} more</Button>
        </p>
      )}
      {rows.length === 0 && <p className="soft">{isPast ? 'There were no services then.' : 'No services yet.'}</p>}
    </section>
  );
}

const ANNOUNCED_EVERY_MS = 15_000;

/** How the fleet is, for those who listen: when it changed, and not more often than one wants to hear. */
function Announced({ rows }: { rows: readonly ServiceRow[] }) {
  const words = wordsOf(rows);
  const [said, setSaid] = useState(words);
  const latest = useRef(words);
  useEffect(() => {
    latest.current = words;
  }, [words]);
  useEffect(() => {
    const timer = window.setInterval(() => setSaid(latest.current), ANNOUNCED_EVERY_MS);
    return () => window.clearInterval(timer);
  }, []);
  return <p className="visually-hidden" role="status" data-testid="announced">{said}</p>;
}

function wordsOf(rows: readonly ServiceRow[]): string {
  const counts = countByStatus(rows);
  const parts = STATUS_BY_SEVERITY.filter((status) => counts[status] > 0).map((status) => `${counts[status]} ${statusLook(status).word.toLowerCase()}`);
  return `${rows.length} services: ${parts.join(', ') || 'none'}`;
}
