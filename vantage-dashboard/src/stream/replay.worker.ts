import type { Api } from '../api/types';
import { decodeMoment, decodeReplay, tickBuffers } from './replay';
import type { Brought, FromReplay, ToReplay, Wanted } from './replay.protocol';
import type { RecordedPage } from '../world/recording';

/** Fetches the past and turns its documents, which are large, into columns off the page's thread. */

self.onmessage = ({ data }: MessageEvent<ToReplay>) => {
  void bring(data).then((brought) => {
    const message: FromReplay = { id: data.id, ...brought };
    self.postMessage(message, { transfer: buffersOf(brought) as ArrayBuffer[] });
  });
};

async function bring({ origin, apiKey, wanted }: ToReplay): Promise<Brought> {
  const ask = async <T>(path: string, query: Record<string, string>): Promise<T> => {
    const response = await fetch(`${origin}${path}?${new URLSearchParams(query)}`, { headers: apiKey === null ? {} : { 'X-API-Key': apiKey } });
    if (!response.ok) throw new Refused(response.status, await messageOf(response));
    return (await response.json()) as T;
  };
  try {
    if (wanted.kind === 'moment') return { moment: decodeMoment(await ask<Api<'CityMoment'>>('/api/city', { at: String(wanted.at) })) };
    return { pages: await pagesOf(wanted, ask) };
  } catch (error) {
    if (error instanceof Refused) return { failed: error.message, status: error.status };
    return { failed: 'The Vantage API does not answer', status: 0 };
  }
}

async function pagesOf({ start, end, stepMs }: Extract<Wanted, { kind: 'replay' }>, ask: <T>(path: string, query: Record<string, string>) => Promise<T>): Promise<RecordedPage[]> {
  const pages: RecordedPage[] = [];
  let next: number | null = start;
  while (next !== null) {
    const page: Api<'CityReplay'> = await ask<Api<'CityReplay'>>('/api/city/replay', { start: String(next), end: String(end), step: String(stepMs / 1000) });
    pages.push(decodeReplay(page));
    next = page.next_start;
  }
  return pages;
}

class Refused extends Error {
  constructor(
    readonly status: number,
    message: string,
  ) {
    super(message);
  }
}

async function messageOf(response: Response): Promise<string> {
  const fallback = `The API answered ${response.status}`;
  try {
    return ((await response.json()) as Partial<Api<'ErrorBody'>>).error?.message ?? fallback;
  } catch {
    return fallback;
  }
}

function buffersOf(brought: Brought): ArrayBufferLike[] {
  if ('pages' in brought) return tickBuffers(brought.pages.flatMap(({ frames }) => frames));
  return 'moment' in brought ? tickBuffers([brought.moment.tick]) : [];
}
