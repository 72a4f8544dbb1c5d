import { cellText, timeText, type Table } from '../query/results/cells';
import type { Roles } from '../query/results/shape';

/** Rows as a heatmap: time or the first name across, names down. Pure. */

export interface Heat {
  across: { key: string; text: string; time: number | null }[];
  down: string[];
  /** By `down`, then `across`; null where no row is. */
  cells: (number | null)[][];
  greatest: number;
}

export const MOST_DOWN = 40;

export function heatOf({ columns, rows }: Table, roles: Roles): Heat | null {
  const value = roles.lastIndexOf('value');
  const time = roles.indexOf('time');
  const names = roles.flatMap((role, i) => (role === 'series' ? [i] : []));
  const numbers = roles.flatMap((role, i) => (role === 'value' && i !== value ? [i] : []));
  // Without names, numbers before the last one are: buckets of a histogram, for instance.
  const labels = names.length > 0 ? names : numbers;
  const x = time >= 0 ? time : (labels[0] ?? -1), down = time >= 0 ? labels : labels.slice(1);
  if (value < 0 || x < 0) return null;
  const across = new Map<string, Heat['across'][number]>(), sums = new Map<string, number>(), found = new Map<string, number>();
  for (const row of rows) {
    const number = row[value], at = row[x];
    if (typeof number !== 'number') continue;
    const isTime = x === time && typeof at === 'number';
    const key = JSON.stringify(at);
    across.set(key, { key, text: isTime ? timeText(at) : cellText(at, columns[x]!), time: isTime ? at : null });
    const name = down.map((i) => (row[i] === '' ? '(empty)' : cellText(row[i], columns[i]!))).join(' · ') || columns[value]!.name;
    sums.set(name, (sums.get(name) ?? 0) + number);
    found.set(JSON.stringify([name, key]), number);
  }
  const columnsInOrder = [...across.values()].sort((a, b) => (a.time ?? 0) - (b.time ?? 0));
  const isNumbered = names.length === 0 && down.length === 1;
  const ordered = [...sums].sort((a, b) => (isNumbered ? Number(b[0].replaceAll(',', '')) - Number(a[0].replaceAll(',', '')) : b[1] - a[1])).map(([name]) => name).slice(0, MOST_DOWN);
  const cells = ordered.map((name) => columnsInOrder.map(({ key }) => found.get(JSON.stringify([name, key])) ?? null));
  return { across: columnsInOrder, down: ordered, cells, greatest: Math.max(0, ...cells.flat().map((cell) => cell ?? 0)) };
}
