import type { ServiceRow } from '../world/model';
import { STATUS_BY_SEVERITY } from '../world/status';

export type SortKey = 'status' | 'name' | 'district' | 'health' | 'rps' | 'errorRatio' | 'p95Ms' | 'pods';

const KEYS: readonly SortKey[] = ['status', 'name', 'district', 'health', 'rps', 'errorRatio', 'p95Ms', 'pods'];

/** As an address has it: "name", or "-rps" for the greatest first. What means nothing is the worst status first. */
export function sortOf(text: string): { key: SortKey; descending: boolean } {
  const descending = text.startsWith('-');
  const key = KEYS.find((each) => each === text.slice(descending ? 1 : 0));
  return key === undefined ? { key: 'status', descending: false } : { key, descending };
}

export const writeSort = (key: SortKey, descending: boolean): string => (descending ? `-${key}` : key);

/** Rows without a value stand last in either direction; equal ones by name, so that a live table does not shuffle. */
export function sortRows(rows: readonly ServiceRow[], key: SortKey, descending: boolean): ServiceRow[] {
  const value = (row: ServiceRow): number | string | null => (key === 'status' ? STATUS_BY_SEVERITY.indexOf(row.status) : row[key]);
  return [...rows].sort((a, b) => {
    const x = value(a), y = value(b);
    if (x === null || y === null) return (x === null ? 1 : 0) - (y === null ? 1 : 0) || a.id.localeCompare(b.id);
    const order = typeof x === 'string' ? x.localeCompare(String(y)) : x - Number(y);
    return (descending ? -order : order) || a.id.localeCompare(b.id);
  });
}
