import { createStore } from 'zustand/vanilla';
import { added, readPast, without, type PastQuery } from './history';

/** The history in this browser's storage, shared by all of its tabs. */

const NAME = 'vantage.queries';

export const past = createStore<{ queries: PastQuery[] }>(() => ({ queries: readPast(stored()) }));

export const remember = (query: PastQuery): void => change((queries) => added(queries, query));
export const forget = (query: string): void => change((queries) => without(queries, query));
export const forgetAll = (): void => change(() => []);

function change(made: (queries: PastQuery[]) => PastQuery[]): void {
  // Another tab may have written since.
  const before = stored();
  const queries = made(before === null ? past.getState().queries : readPast(before));
  past.setState({ queries });
  try {
    localStorage.setItem(NAME, JSON.stringify(queries));
  } catch (error) {
    console.warn('The history of queries lasts as long as this page: the browser does not keep it', error);
  }
}

function stored(): string | null {
  try {
    return localStorage.getItem(NAME);
  } catch {
    // A browser without storage, or one that denies it: there is none.
    return null;
  }
}
