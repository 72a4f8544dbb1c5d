import { answer, http } from '../../api/client';
import type { LogQuery } from './filter';

const PAGE = 1000;
const MOST_PAGES = 20;
export const MOST_CSV_LINES = PAGE * MOST_PAGES;

export interface CsvFile {
  text: string;
  /** There would have been more. */
  isCut: boolean;
}

/** The lines as one CSV text, asked for page by page with the key that every call carries. */
export async function logsCsv(query: LogQuery & Record<'start' | 'end', string>, signal: AbortSignal): Promise<CsvFile> {
  const parts: string[] = [];
  let next: string | null = null;
  do {
    const page: CsvPage = await csvPage({ ...query, ...(next !== null && { cursor: next }) }, signal);
    parts.push(parts.length === 0 ? page.text : withoutHeader(page.text));
    next = page.next;
  } while (next !== null && parts.length < MOST_PAGES);
  return { text: parts.join(''), isCut: next !== null };
}

interface CsvPage {
  text: string;
  next: string | null;
}

async function csvPage(query: LogQuery & { cursor?: string }, signal: AbortSignal): Promise<CsvPage> {
  const call = http.GET('/api/logs', { params: { query: { ...query, format: 'csv', limit: PAGE } }, headers: { Accept: 'text/csv' }, parseAs: 'text', signal });
  return { text: await answer(call), next: (await call).response.headers.get('X-Next-Cursor') };
}

/** The header of the CSV has no line break of its own in it. */
export const withoutHeader = (csv: string): string => csv.slice(csv.indexOf('\n') + 1);

/** Hands a text to the browser as a file. */
export function download(name: string, text: string): void {
  const url = URL.createObjectURL(new Blob([text], { type: 'text/csv;charset=utf-8' }));
  const link = document.createElement('a');
  link.href = url;
  link.download = name;
  link.click();
  URL.revokeObjectURL(url);
}
