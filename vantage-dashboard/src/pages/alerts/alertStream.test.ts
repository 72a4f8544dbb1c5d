import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { followAlerts } from './alertStream';

/** An EventSource that the test speaks through. */
class Source extends EventTarget {
  onopen: (() => void) | null = null;
  onerror: (() => void) | null = null;
  isClosed = false;
  constructor(readonly url: string) {
    super();
  }
  close(): void {
    this.isClosed = true;
  }
  say(type: string, lastEventId = ''): void {
    this.dispatchEvent(Object.assign(new Event(type), { lastEventId }));
  }
}

const followed = () => {
  const sources: Source[] = [];
  const onChange = vi.fn(), onLive = vi.fn();
  let tickets = 0;
  const ticket = vi.fn(() => Promise.resolve(`t${++tickets}`));
  const stop = followAlerts({
    ticket,
    open: (url) => {
      const source = new Source(url);
      sources.push(source);
      return source as unknown as EventSource;
    },
    onChange,
    onLive,
  });
  return { sources, ticket, onChange, onLive, stop };
};

beforeEach(() => vi.useFakeTimers());
afterEach(() => vi.useRealTimers());
const settle = () => vi.advanceTimersByTimeAsync(20_000);

it('tells of what happens, once it is open', async () => {
  const { sources, onChange, onLive } = followed();
  await settle();
  sources[0]!.onopen?.();
  expect(onLive).toHaveBeenLastCalledWith(true);
  onChange.mockClear();
  sources[0]!.say('alert', '7');
  expect(onChange).toHaveBeenCalledOnce();
});

it('comes back with a new ticket and the last event it has seen', async () => {
  const { sources, onChange, onLive } = followed();
  await settle();
  sources[0]!.say('alert', 'e 7');
  sources[0]!.onerror?.();
  expect([sources[0]!.isClosed, onLive.mock.lastCall]).toEqual([true, [false]]);
  await settle();
  expect(sources.map(({ url }) => url)).toEqual(['/api/stream/alerts?ticket=t1', '/api/stream/alerts?ticket=t2&since=e+7']);
  onChange.mockClear();
  sources[1]!.onopen?.();
  // The stream itself sends what was missed.
  expect(onChange).not.toHaveBeenCalled();
});

it('asks anew for everything, and begins anew, when the server cannot tell what was missed', async () => {
  const { sources, onChange } = followed();
  await settle();
  sources[0]!.say('alert', '7');
  onChange.mockClear();
  sources[0]!.say('reset');
  expect(onChange).toHaveBeenCalledOnce();
  sources[0]!.onerror?.();
  await settle();
  expect(sources[1]!.url).toBe('/api/stream/alerts?ticket=t2');
});

it('tries on while there is no ticket', async () => {
  const { sources, ticket } = followed();
  ticket.mockRejectedValue(new TypeError('away'));
  await settle();
  sources[0]!.onerror?.();
  await settle();
  expect(sources).toHaveLength(1);
  ticket.mockResolvedValue('late');
  await settle();
  expect(sources.at(-1)?.url).toContain('ticket=late');
});

it('stops for good', async () => {
  const { sources, stop } = followed();
  await settle();
  sources[0]!.onerror?.();
  stop();
  await settle();
  expect(sources).toHaveLength(1);
});
