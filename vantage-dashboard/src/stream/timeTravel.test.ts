import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { Api } from '../api/types';
import { World } from '../world/world';
import { decodeMoment, decodeReplay } from './replay';
import { PastError } from './replayStream';
import { TimeTravel, type PastState } from './timeTravel';

const NOW = 1_800_000_000_000;
const AT = NOW - 3_600_000;
const SERVICES = ['a', 'b'].map((name, slot) => ({ slot, id: `p/${name}`, name, environment: 'p', district: 'd', x: slot, z: 0 }));
const DISTRICTS = [{ name: 'd', x: 0, z: 0, width: 4, depth: 4 }];

/** Every service of the past has as many pods as its moment has minutes, and ten times as many requests per second. */
const minutes = (at: number) => Math.floor((at - AT) / 60_000) + 10;

function documentOf(start: number, end: number, stepMs: number): Api<'CityReplay'> {
  const frames = [];
  for (let at = start; at <= end; at += stepMs) frames.push({ at, rows: SERVICES.map(({ slot }) => [slot, minutes(at), minutes(at) * 10, 0, 20, 90, 1] as [number, number, number, number, number, number, number]) });
  return { start, end, step_s: stepMs / 1000, columns: [], statuses: [], districts: DISTRICTS, services: SERVICES, frames, next_start: null };
}

const momentOf = (at: number): Api<'CityMoment'> => ({
  server_time: NOW, at, resolution_s: 10, edges_resolution_s: 10, districts: DISTRICTS,
  services: SERVICES.map((service) => ({ ...service, pods: minutes(at), rps: 100, error_ratio: 0, p95_ms: 20, health_score: 90, status: 'HEALTHY' as const })),
  edges: [{ id: 4, from: null, to: 0, rps: 100, error_ratio: 0 }, { id: 7, from: 0, to: 1, rps: 100, error_ratio: 0.5 }],
});

let travel: TimeTravel | null = null;
beforeEach(() => {
  vi.stubGlobal('self', globalThis);
  vi.useFakeTimers({ now: NOW });
});
afterEach(() => {
  travel?.close();
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

function open({ speed = 1, playing = false, at = AT, hidden = () => false, fails = () => false, blank = () => false }: { speed?: number; playing?: boolean; at?: number; hidden?: () => boolean; fails?: () => boolean; blank?: () => boolean } = {}) {
  const world = new World();
  const states: PastState[] = [];
  const onCaughtUp = vi.fn();
  const asked: string[] = [];
  const ask = async <T>(what: string, make: () => T): Promise<T> => {
    asked.push(what);
    await new Promise((resolve) => setTimeout(resolve, 50));
    if (fails()) throw new PastError(503, 'away');
    return make();
  };
  travel = new TimeTravel(
    {
      world,
      reader: { moment: (moment) => ask('moment', () => decodeMoment(momentOf(moment))), replay: (start, end, step) => ask(`replay ${(start - AT) / 60_000}`, () => [decodeReplay(blank() ? { ...documentOf(start, end, step), services: [], frames: [{ at: start, rows: [] }, { at: end, rows: [] }] } : documentOf(start, end, step))]) },
      serverNow: () => Date.now(),
      isHidden: hidden,
      random: () => 0.5,
      onState: (state) => states.push(state),
      onArrival: () => undefined,
      onCaughtUp,
    },
    at,
    { speed, playing },
  );
  return { travel, world, asked, onCaughtUp, state: () => states.at(-1)! };
}
const pods = (world: World) => world.row(world.slotOf('p/a') ?? -1)?.pods;

describe('looking at a moment', () => {
  it('shows its numbers, its registry and its edges', async () => {
    const { world, state } = open();
    expect(state().loading).toBe(true);
    await vi.advanceTimersByTimeAsync(1000);
    expect([pods(world), world.edges.size, state().loading, state().shownAt]).toEqual([10, 2, false, AT]);
  });

  it('goes elsewhere', async () => {
    const { travel, world } = open();
    await vi.advanceTimersByTimeAsync(1000);
    travel.seek(AT + 5 * 60_000);
    expect(pods(world)).toBe(15);
  });

  it('asks for nothing while it is dragged about', async () => {
    const { travel, asked } = open();
    await vi.advanceTimersByTimeAsync(1000);
    const before = asked.length;
    for (let i = 1; i < 20; i++) {
      travel.seek(AT - i * 600_000);
      await vi.advanceTimersByTimeAsync(50);
    }
    expect(asked).toHaveLength(before);
    await vi.advanceTimersByTimeAsync(2000);
    expect(asked.slice(before)).toEqual(['moment', 'replay -190']);
  });

  it('keeps the slots of a world that has these services already', async () => {
    const { travel, world } = open();
    travel.close();
    world.applyHello({ districts: DISTRICTS, services: [{ ...SERVICES[0]!, slot: 5 }], edges: [] });
    const again = new TimeTravel({ world, reader: { moment: (at) => Promise.resolve(decodeMoment(momentOf(at))), replay: () => Promise.resolve([]) }, serverNow: () => Date.now(), onState: () => undefined, onArrival: () => undefined, onCaughtUp: () => undefined }, AT, { speed: 1, playing: false });
    await vi.advanceTimersByTimeAsync(1000);
    again.close();
    expect([world.slotOf('p/a'), world.slotOf('p/b')]).toEqual([5, 0]);
  });
});

describe('playing', () => {
  it('goes on at its speed, with requests made from the rates', async () => {
    const { travel, world, state } = open({ speed: 60, playing: true });
    await vi.advanceTimersByTimeAsync(1000);
    const start = state().at;
    await vi.advanceTimersByTimeAsync(3000);
    expect(Math.abs(state().at - start - 180_000)).toBeLessThan(7000);
    expect(pods(world)).toBe(minutes(state().shownAt!));
    expect(state().sample).toBeGreaterThan(1);
    expect(travel.takeRequests().flatMap(({ edge }) => [...edge]).sort()).toContain(7);
  });

  it('waits for what is not there yet, and fetches ahead', async () => {
    const { asked, state } = open({ speed: 60, playing: true });
    await vi.advanceTimersByTimeAsync(40);
    expect(state().at).toBe(AT);
    await vi.advanceTimersByTimeAsync(1000);
    expect(asked.filter((what) => what.startsWith('replay'))).toEqual(['replay 0', 'replay 10', 'replay 20']);
  });

  it('stops while nobody looks, and asks for nothing', async () => {
    let hidden = false;
    const { asked, state } = open({ speed: 60, playing: true, hidden: () => hidden });
    await vi.advanceTimersByTimeAsync(1000);
    hidden = true;
    const [at, before] = [state().at, asked.length];
    await vi.advanceTimersByTimeAsync(60_000);
    hidden = false;
    await vi.advanceTimersByTimeAsync(100);
    expect(state().at - at).toBeLessThanOrEqual(12_000);
    expect(asked.length - before).toBeLessThan(3);
  });

  it('ends where the present begins', async () => {
    const { onCaughtUp } = open({ speed: 60, playing: true, at: NOW - 60_000 });
    await vi.advanceTimersByTimeAsync(5000);
    expect(onCaughtUp).toHaveBeenCalled();
  });
});

it('shows the moment while the film is yet to be added up, and the film once it is', async () => {
  let blank = true;
  const { world, asked } = open({ blank: () => blank });
  await vi.advanceTimersByTimeAsync(2000);
  expect([pods(world), world.edges.size]).toEqual([10, 2]);
  blank = false;
  await vi.advanceTimersByTimeAsync(20_000);
  expect([pods(world), asked.filter((what) => what === 'replay 0')]).toEqual([10, ['replay 0', 'replay 0']]);
});

it('says that the API is away, and comes back with it', async () => {
  let away = true;
  const { world, state } = open({ fails: () => away });
  await vi.advanceTimersByTimeAsync(1000);
  expect(state()).toMatchObject({ error: 'away', shownAt: null });
  away = false;
  await vi.advanceTimersByTimeAsync(7000);
  expect([state().error, pods(world)]).toEqual([null, 10]);
});
