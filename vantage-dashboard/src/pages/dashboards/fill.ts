import { quoted, tokens } from '../query/vql/tokens';

/** A panel's query as the API asks it (vantage_api/dashboards/queries.py), for the preview of one that is not saved. Pure. */

export const POINTS = 100;
export const STEPS_S: readonly number[] = [1, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 21_600, 43_200, 86_400, 604_800];
const VARIABLE = /\$(?:\{([a-z][a-z0-9_]*)\}|([a-z][a-z0-9_]*))/g;

export interface Filled {
  text: string;
  /** Where in the query a place in the text comes from. */
  original: (position: number) => number;
}

/** The first variable in a query that there is not, with its place. */
export function unknownVariable(query: string, names: readonly string[]): { name: string; position: number } | null {
  for (const match of query.matchAll(VARIABLE)) {
    const name = match[1] ?? match[2]!;
    if (name !== 'interval' && !names.includes(name)) return { name, position: match.index };
  }
  return null;
}

/** Variables with their values, and the range unless the query has its own. */
export function filled(query: string, values: Readonly<Record<string, string>>, start: number, end: number): Filled {
  const texts: Record<string, string> = { ...Object.fromEntries(Object.entries(values).map(([name, value]) => [name, quoted(value)])), interval: interval(start, end) };
  const edits: { begin: number; old: number; now: number }[] = [];
  const text = query.replace(VARIABLE, (whole, braced: string | undefined, bare: string | undefined, begin: number) => {
    const value = texts[braced ?? bare!] ?? whole;
    edits.push({ begin, old: whole.length, now: value.length });
    return value;
  });
  const original = (position: number): number => {
    let shift = 0;
    for (const { begin, old, now } of edits) {
      if (position < begin + shift) break;
      if (position < begin + shift + now) return begin;
      shift += now - old;
    }
    return Math.min(position - shift, query.length);
  };
  const hasRange = tokens(text).some(({ kind, text: word }) => kind === 'keyword' && /^(since|until)$/i.test(word));
  const ranged = hasRange ? text : `${text.trimEnd().replace(/;$/, '')}\nSINCE ${Math.round(start)} UNTIL ${Math.round(end)}`;
  return { text: ranged, original };
}

/** A step that makes about a hundred points of the range. */
export function interval(start: number, end: number): string {
  const least = (end - start) / 1000 / POINTS;
  return `${STEPS_S.find((step) => step >= least) ?? STEPS_S.at(-1)!} SECOND`;
}
