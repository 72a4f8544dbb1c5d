import type { Series } from '../../../ui/series';
import { cellText, isNumeric, type Column, type Table } from './cells';

/** Rows as a chart: which column is time, which are values, and which tell series apart. Pure. */

export type Role = 'time' | 'value' | 'series' | 'none';
/** One role a column. */
export type Roles = readonly Role[];

const LETTERS: Readonly<Record<Role, string>> = { time: 't', value: 'v', series: 's', none: '-' };
/** Numbers that are names. */
const NUMBERED_NAMES = new Set(['status_code']);

export function guessRoles(columns: readonly Column[]): Roles {
  const time = columns.findIndex(({ type }) => type === 'time');
  return columns.map((column, i) => {
    if (i === time) return 'time';
    if (isNumeric(column)) return NUMBERED_NAMES.has(column.name) ? 'series' : 'value';
    return column.type === 'string' || column.type === 'boolean' ? 'series' : 'none';
  });
}

/** What a column can be at all. */
export function possibleRoles({ type }: Column): Role[] {
  if (type === 'time') return ['time', 'none'];
  return type === 'number' || type === 'integer' ? ['value', 'series', 'none'] : ['series', 'none'];
}

export const writeRoles = (roles: Roles): string => roles.map((role) => LETTERS[role]).join('');

/** The roles an address names, if they fit these columns; the guess otherwise. */
export function readRoles(text: string, columns: readonly Column[]): Roles {
  const names = Object.entries(LETTERS) as [Role, string][];
  const roles = text.split('').map((letter) => names.find(([, written]) => written === letter)?.[0]);
  const isFitting = roles.length === columns.length && roles.every((role, i) => role !== undefined && possibleRoles(columns[i]!).includes(role));
  return isFitting ? (roles as Roles) : guessRoles(columns);
}

/** Another role for a column; there is one time at most. */
export const withRole = (roles: Roles, column: number, role: Role): Roles => roles.map((before, i) => (i === column ? role : role === 'time' && before === 'time' ? 'none' : before));

export const hasTime = (roles: Roles): boolean => roles.includes('time') && roles.includes('value');
export const hasBars = (roles: Roles): boolean => !roles.includes('time') && roles.includes('value') && roles.includes('series');

export interface Drawn {
  series: Series[];
  /** How many there are; the greatest are drawn. */
  total: number;
  /** Rows that fell on a point of their series that was already there. */
  overlaid: number;
}

export const MOST_SERIES = 40;

/** One series for each value column and each set of names, the greatest by sum first. */
export function seriesOf(table: Table, roles: Roles, most = MOST_SERIES): Drawn {
  const time = roles.indexOf('time');
  const values = indexes(roles, 'value');
  const found = new Map<string, { name: string; sum: number; points: Map<number, number | null> }>();
  let overlaid = 0;
  for (const row of table.rows) {
    const at = row[time];
    if (typeof at !== 'number') continue;
    for (const value of values) {
      const name = seriesName(table, row, roles, values.length > 1 ? table.columns[value]!.name : '');
      const series = found.get(name) ?? { name: name === '' ? table.columns[value]!.name : name, sum: 0, points: new Map<number, number | null>() };
      const number = numberOf(row[value]);
      if (series.points.has(at)) overlaid++;
      series.points.set(at, number);
      series.sum += Math.abs(number ?? 0);
      found.set(name, series);
    }
  }
  const greatest = [...found.values()].sort((a, b) => b.sum - a.sum).slice(0, most);
  return {
    series: greatest.map(({ name, points }) => ({ key: name, name, points: [...points].sort(([a], [b]) => a - b) })),
    total: found.size,
    overlaid,
  };
}

export interface Bars {
  /** Names of the value columns, the first of which the bars are drawn of. */
  values: string[];
  bars: { name: string; values: (number | null)[] }[];
}

export function barsOf(table: Table, roles: Roles): Bars {
  const values = indexes(roles, 'value');
  const bars = table.rows.map((row) => ({ name: seriesName(table, row, roles, ''), values: values.map((value) => numberOf(row[value])) }));
  return { values: values.map((value) => table.columns[value]!.name), bars };
}

function seriesName({ columns }: Table, row: readonly unknown[], roles: Roles, value: string): string {
  const names = indexes(roles, 'series').map((i) => (row[i] === '' ? '(empty)' : cellText(row[i], columns[i]!)));
  return [...names, ...(value === '' ? [] : [value])].join(' · ');
}

const indexes = (roles: Roles, wanted: Role): number[] => roles.flatMap((role, i) => (role === wanted ? [i] : []));
const numberOf = (value: unknown): number | null => (typeof value === 'number' && Number.isFinite(value) ? value : null);
