import { useEffect, useState } from 'react';
import { duration, percent, rate } from '../ui/format';
import type { ServiceRow } from '../world/model';
import { STATUS_BY_SEVERITY, statusLook } from '../world/status';
import { sortRows, type SortKey } from './sortRows';
import './table.css';

export interface TableTwinProps {
  rows: readonly ServiceRow[];
  selectedId: string | null;
  note: string | null;
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

/** The whole city as a table: the same numbers, reachable by keyboard and by ear. */
export function TableTwin({ rows, selectedId, note, onSelect }: TableTwinProps) {
  const [sort, setSort] = useState<{ key: SortKey; descending: boolean }>({ key: 'status', descending: false });
  // What a frame is to the city, a paint is to the table.
  useEffect(() => {
    const painted = requestAnimationFrame(() => window.__vantage?.shown(rows));
    return () => cancelAnimationFrame(painted);
  }, [rows]);
  const sorted = sortRows(rows, sort.key, sort.descending);
  return (
    <main className="twin" data-testid="table-twin" data-own-keys aria-label="All services">
      {note !== null && <p className="twin-note soft" role="status">{note}</p>}
      <table>
        <caption className="visually-hidden">All services with their current numbers</caption>
        <thead>
          <tr>
            {COLUMNS.map(({ key, title, numeric }) => (
              <th key={key} scope="col" className={numeric ? 'numeric' : ''} aria-sort={sort.key === key ? (sort.descending ? 'descending' : 'ascending') : 'none'}>
                <button type="button" onClick={() => setSort({ key, descending: sort.key === key ? !sort.descending : numeric })}>
                  {title} <span aria-hidden="true">{sort.key === key ? (sort.descending ? '↓' : '↑') : ''}</span>
                </button>
              </th>
            ))}
          </tr>
        </thead>
        <tbody className="num">
          {sorted.map((row) => {
            const { glyph, tone, word } = statusLook(row.status);
            return (
              <tr key={row.id} data-service={row.id} data-severity={STATUS_BY_SEVERITY.indexOf(row.status)} aria-current={row.id === selectedId || undefined} onClick={() => onSelect(row.id)}>
                <td className={`tone-${tone}`}><span aria-hidden="true">{glyph}</span> {word}</td>
                <th scope="row"><button type="button" onClick={() => onSelect(row.id)}>{row.name}</button> <span className="soft">{row.environment}</span></th>
                <td className="soft">{row.district}</td>
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
      {rows.length === 0 && <p className="soft">No services yet.</p>}
    </main>
  );
}
