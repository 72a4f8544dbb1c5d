import { afterEach, expect, it, vi } from 'vitest';

const MINUTE_MS = 60_000;
afterEach(() => vi.unstubAllGlobals());

it('asks for an error ratio by whole minutes, however short the time', async () => {
  const asked: URL[] = [];
  vi.stubGlobal('fetch', (request: Request) => {
    asked.push(new URL(request.url));
    return Promise.resolve(Response.json({ points: [{ timestamp: 0, error_ratio: 0.25 }] }));
  });
  vi.stubGlobal('window', { location: { origin: 'http://localhost' } });
  vi.resetModules();
  const { measured } = await import('./measured');
  const rule = { metric: 'http.request.duration', agg: 'error_ratio', environment: null, condition: { kind: 'fixed', operator: '>', threshold: 0.05 } } as unknown as Parameters<typeof measured>[0]['rule'];
  const found = await measured({ rule, service: 'shop', environments: ['prod'], start: 0, end: 10 * MINUTE_MS }, new AbortController().signal);
  expect(asked.map((url) => Number(url.searchParams.get('step')) % 60)).toEqual([0]);
  expect(found[0]?.points).toEqual([[0, 0.25]]);
});
