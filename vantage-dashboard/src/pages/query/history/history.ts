/** The queries that ran in this browser: newest first, each once, and bounded. Pure. */

export interface PastQuery {
  query: string;
  /** Epoch ms of its last run. */
  at: number;
  rows: number;
  elapsedMs: number;
}

export const MOST_QUERIES = 100;
const MOST_CHARACTERS = 200_000;

export function added(past: readonly PastQuery[], query: PastQuery): PastQuery[] {
  return bounded([query, ...without(past, query.query)]);
}

export const without = (past: readonly PastQuery[], query: string): PastQuery[] => past.filter((each) => each.query !== query);

/** Those that have every word in them. */
export function matching(past: readonly PastQuery[], search: string): PastQuery[] {
  const words = search.toLowerCase().split(/\s+/).filter((word) => word !== '');
  return past.filter(({ query }) => words.every((word) => query.toLowerCase().includes(word)));
}

/** What storage holds; nothing of what is not ours. */
export function readPast(stored: string | null): PastQuery[] {
  try {
    const found: unknown = JSON.parse(stored ?? '[]');
    return Array.isArray(found) ? bounded(found.filter(isPast)) : [];
  } catch {
    // Not JSON: somebody else's, or cut off. It is written anew with the next query.
    return [];
  }
}

function bounded(past: readonly PastQuery[]): PastQuery[] {
  let characters = 0;
  return past.slice(0, MOST_QUERIES).filter(({ query }) => (characters += query.length) <= MOST_CHARACTERS);
}

function isPast(value: unknown): value is PastQuery {
  if (typeof value !== 'object' || value === null) return false;
  const { query, at, rows, elapsedMs } = value as Partial<PastQuery>;
  return typeof query === 'string' && [at, rows, elapsedMs].every((number) => typeof number === 'number');
}
