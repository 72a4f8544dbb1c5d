import type { ServiceRow } from '../world/model';
import { STATUS_BY_SEVERITY } from '../world/status';

export type SortKey = 'status' | 'name' | 'district' | 'health' | 'rps' | 'errorRatio' | 'p95Ms' | 'pods';

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
