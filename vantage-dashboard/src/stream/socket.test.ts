import { beforeAll, describe, expect, it } from 'vitest';
import { backoffMs } from './backoff';
import { ReconnectingSocket, type LinkState, type SocketEnvironment } from './socket';

class FakeSocket {
  static readonly OPEN = 1;
  readyState = 1;
  binaryType = 'blob';
  sent: string[] = [];
  closed = false;
  onopen: (() => void) | null = null;
  onmessage: ((event: { data: unknown }) => void) | null = null;
  onclose: ((event: { code: number }) => void) | null = null;
  send(text: string) { this.sent.push(text); }
  close() { this.closed = true; }
}

beforeAll(() => {
  (globalThis as { WebSocket?: unknown }).WebSocket ??= FakeSocket;
});

function harness(apiKey: string | null = null) {
  const sockets: FakeSocket[] = [], states: LinkState[] = [], messages: unknown[] = [];
  const refused: string[] = [];
  const timers = new Map<number, { run: () => void; ms: number }>();
  let nextTimer = 1;
  const environment: SocketEnvironment = {
    open: () => { const socket = new FakeSocket(); sockets.push(socket); return socket as unknown as WebSocket; },
    setTimer: (run, ms) => { timers.set(nextTimer, { run, ms }); return nextTimer++; },
    clearTimer: (id) => { timers.delete(id); },
    random: () => 1,
  };
  const socket = new ReconnectingSocket({
    url: 'ws://test', apiKey, staleAfterMs: 3000, onState: (s) => states.push(s), onMessage: (m) => messages.push(m), onRefused: () => refused.push('refused'),
  }, environment);
  const fire = () => { const [id, timer] = [...timers][0]!; timers.delete(id); timer.run(); return timer.ms; };
  return { socket, sockets, states, messages, refused, fire, timers };
}

describe('ReconnectingSocket', () => {
  it('authenticates before anything else when there is a key', () => {
    const { socket, sockets } = harness('secret');
    socket.start();
    sockets[0]!.onopen!();
    expect(sockets[0]!.sent).toEqual(['{"type":"auth","api_key":"secret"}']);
  });

  it('goes stale in silence, live again with the next message', () => {
    const { socket, sockets, states, fire } = harness();
    socket.start();
    sockets[0]!.onopen!();
    expect(fire()).toBe(3000);
    sockets[0]!.onmessage!({ data: 'x' });
    expect(states).toEqual(['connecting', 'live', 'stale', 'live']);
  });

  it('replaces a socket that stays silent', () => {
    const { socket, sockets, states, fire } = harness();
    socket.start();
    sockets[0]!.onopen!();
    fire();
    fire();
    expect(states.at(-1)).toBe('offline');
    expect(sockets[0]!.closed).toBe(true);
  });

  it('returns with growing pauses and starts over once it was heard', () => {
    const { socket, sockets, states, fire } = harness();
    socket.start();
    sockets[0]!.onclose!({ code: 1006 });
    expect(fire()).toBe(500);
    sockets[1]!.onclose!({ code: 1006 });
    expect(fire()).toBe(1000);
    sockets[2]!.onopen!();
    sockets[2]!.onmessage!({ data: 'hello' });
    sockets[2]!.onclose!({ code: 1006 });
    expect(fire()).toBe(500);
    expect(states).toEqual(['connecting', 'offline', 'live', 'offline']);
  });

  it('retries at once when asked', () => {
    const { socket, sockets } = harness();
    socket.start();
    sockets[0]!.onclose!({ code: 1006 });
    socket.retryNow();
    expect(sockets).toHaveLength(2);
  });

  it('does not come back with a key that was refused', () => {
    const { socket, sockets, states, refused, timers } = harness('wrong');
    socket.start();
    sockets[0]!.onopen!();
    sockets[0]!.onmessage!({ data: '{"error":{"code":"invalid_key"}}' });
    sockets[0]!.onclose!({ code: 1008 });
    expect(refused).toEqual(['refused']);
    expect(states.at(-1)).toBe('offline');
    expect(timers.size).toBe(0);
  });

  it('stays closed after stop', () => {
    const { socket, sockets, timers } = harness();
    socket.start();
    socket.stop();
    expect(sockets[0]!.closed).toBe(true);
    expect(timers.size).toBe(0);
  });
});

describe('backoffMs', () => {
  it('doubles to ten seconds and is at least half of that', () => {
    expect([0, 1, 2, 5, 50].map((n) => backoffMs(n, () => 1))).toEqual([500, 1000, 2000, 10_000, 10_000]);
    expect(backoffMs(50, () => 0)).toBe(5000);
  });
});
