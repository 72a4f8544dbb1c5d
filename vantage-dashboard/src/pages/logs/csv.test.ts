import { afterEach, expect, it, vi } from 'vitest';
import { logsCsv, MOST_CSV_LINES } from './csv';

const answers = (pages: { body: string; next?: string }[]) => {
  const asked: URL[] = [];
  vi.stubGlobal('fetch', (request: Request) => {
    asked.push(new URL(request.url));
    const page = pages[Math.min(asked.length, pages.length) - 1]!;
    return Promise.resolve(new Response(page.body, { headers: { 'Content-Type': 'text/csv', ...(page.next !== undefined && { 'X-Next-Cursor': page.next }) } }));
  });
  return asked;
};
const ask = () => logsCsv({ service: 'shop', start: '1', end: '2' }, new AbortController().signal);

vi.mock('../../api/client', async (original) => {
  const actual = await original<typeof import('../../api/client')>();
  const { default: createClient } = await import('openapi-fetch');
  return { ...actual, http: createClient({ baseUrl: 'http://api.test', fetch: (request: Request) => fetch(request) }) };
});

afterEach(() => void vi.unstubAllGlobals());

it('joins the pages below one header', async () => {
  const asked = answers([{ body: 'time,body\r\n1,a\r\n', next: 'c1' }, { body: 'time,body\r\n2,"b\nc"\r\n' }]);
  expect(await ask()).toEqual({ text: 'time,body\r\n1,a\r\n2,"b\nc"\r\n', isCut: false });
  expect(asked.map((url) => [url.searchParams.get('format'), url.searchParams.get('service'), url.searchParams.get('cursor')])).toEqual([['csv', 'shop', null], ['csv', 'shop', 'c1']]);
});

it('ends somewhere, and says that there is more', async () => {
  const asked = answers([{ body: 'time\r\n1\r\n', next: 'again' }]);
  expect((await ask()).isCut).toBe(true);
  expect(asked.length * 1000).toBe(MOST_CSV_LINES);
});

it('a refusal is an error, not a file', async () => {
  vi.stubGlobal('fetch', () => Promise.resolve(new Response('{"error":{"code":"x","message":"no such severity"}}', { status: 400 })));
  await expect(ask()).rejects.toThrow('no such severity');
});
