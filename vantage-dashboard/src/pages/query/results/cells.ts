import type { Api } from '../../../api/types';
import { inertText } from '../../../stream/logs';
import { clockTime } from '../../../ui/format';

/** Cells of an answer as people read them; whatever they hold, they become one short and inert line. Pure. */

export type Column = Api<'VqlColumn'>;

/** Rows of an answer under their columns. */
export interface Table {
  columns: readonly Column[];
  rows: readonly (readonly unknown[])[];
}

const MOST_SHOWN = 300;

export const isNumeric = ({ type }: Column): boolean => type === 'number' || type === 'integer';

/** All of a value as a text. */
export function fullText(value: unknown, column: Column): string {
  if (value === null || value === undefined) return '–';
  if (typeof value === 'number') return column.type === 'time' ? timeText(value) : numberText(value);
  return typeof value === 'string' ? value : JSON.stringify(value);
}

/** A line of it. */
export function cellText(value: unknown, column: Column): string {
  const text = fullText(value, column);
  const line = inertText(text.slice(0, MOST_SHOWN).replace(/\s+/g, ' '));
  return text.length > MOST_SHOWN ? `${line}…` : line;
}

/** As exact as it came, within four places behind the point. */
export function numberText(value: number): string {
  const isSmall = value !== 0 && Math.abs(value) < 0.001;
  return value.toLocaleString('en-US', isSmall ? { maximumSignificantDigits: 4 } : { maximumFractionDigits: 4 });
}

export function timeText(epochMs: number): string {
  const date = new Date(epochMs);
  if (Number.isNaN(date.getTime())) return String(epochMs);
  const day = date.toLocaleDateString('en-US', { month: 'short', day: 'numeric', ...(date.getFullYear() === new Date().getFullYear() ? {} : { year: 'numeric' }) });
  return `${day}, ${clockTime(epochMs, epochMs % 1000 !== 0)}`;
}

/** What a cell is sorted by; what is missing comes last. */
export function sortValue(value: unknown): string | number | null {
  if (value === null || value === undefined) return null;
  if (typeof value === 'number' || typeof value === 'string') return value;
  return typeof value === 'boolean' ? Number(value) : JSON.stringify(value);
}

/** Widths of the columns in characters, by their heads and a sample of their cells. */
export function columnWidths({ columns, rows }: Table, least = 6, most = 44): number[] {
  const sample = rows.length <= 100 ? rows : rows.filter((_, i) => i % Math.ceil(rows.length / 100) === 0);
  return columns.map((column, i) => {
    const longest = Math.max(column.name.length + 2, ...sample.map((row) => cellText(row[i], column).length));
    return Math.min(most, Math.max(least, longest));
  });
}
