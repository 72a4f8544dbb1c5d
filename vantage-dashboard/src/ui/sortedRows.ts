import type { ReactNode } from 'react';

export interface Column<Row> {
  key: string;
  title: string;
  cell: (row: Row) => ReactNode;
  /** What it is sorted by; without it the column is not sorted. A missing value comes last either way. */
  sortBy?: (row: Row) => string | number | null;
  numeric?: boolean;
  /** Left out where there is little room. */
  wide?: boolean;
}

/** `rows` by the column that `sort` names, as DataTable shows them. Pure. */
export function sortedRows<Row>(rows: readonly Row[], columns: readonly Column<Row>[], sort: string): readonly Row[] {
  const descending = sort.startsWith('-');
  const sortBy = columns.find((column) => column.key === (descending ? sort.slice(1) : sort))?.sortBy;
  if (!sortBy) return rows;
  const sign = descending ? -1 : 1;
  return [...rows].sort((a, b) => {
    const left = sortBy(a), right = sortBy(b);
    if (left === null || right === null) return left === right ? 0 : left === null ? 1 : -1;
    return sign * (typeof left === 'number' && typeof right === 'number' ? left - right : String(left).localeCompare(String(right)));
  });
}
