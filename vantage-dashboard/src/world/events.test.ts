import { describe, expect, it } from 'vitest';
import { deploysOf, mergeEvents, Watcher, withoutRollouts, type CityEvent, type EventKind } from './events';
import type { ServiceRow, StatusCode } from './model';

const row = (name: string, pods: number, status: StatusCode = 1): ServiceRow => ({
  slot: 0, id: `p/${name}`, name, environment: 'p', district: 'd', x: 0, z: 0, pods, rps: 1, errorRatio: null, p95Ms: null, health: 90, status,
});

describe('a watcher', () => {
  const told = (...states: ServiceRow[][]) => {
    const watcher = new Watcher();
    return states.flatMap((rows, i) => watcher.see(rows, i)).map(({ kind, words }) => `${kind}: ${words}`);
  };
  it('tells nothing of the first state', () => expect(told([row('a', 2), row('b', 1, 3)])).toEqual([]));
  it('tells of scaling that lasts', () => {
    expect(told([row('a', 2)], [row('a', 4)], [row('a', 4)])).toEqual(['scaled-up: a scaled up: 2 → 4 pods']);
    expect(told([row('a', 9)], [row('a', 3)], [row('a', 3)])).toEqual(['scaled-down: a scaled down: 9 → 3 pods']);
  });
  it('overlooks breathing and flicker', () => {
    expect(told([row('a', 10)], [row('a', 11)], [row('a', 11)])).toEqual([]);
    expect(told([row('a', 2)], [row('a', 8)], [row('a', 2)])).toEqual([]);
    expect(told([row('a', 2, 1)], [row('a', 2, 3)], [row('a', 2, 1)])).toEqual([]);
  });
  it('tells of an incident and its end', () => {
    expect(told([row('a', 2)], [row('a', 2, 3)], [row('a', 2, 3)], [row('a', 2, 1)], [row('a', 2, 1)])).toEqual(['unhealthy: a is unhealthy: score 90', 'recovered: a is healthy again']);
  });
  it('tells who comes and goes', () => {
    expect(told([row('a', 2)], [row('a', 2), row('b', 1)], [row('b', 1)])).toEqual(['arrived: b entered the city', 'left: a left the city']);
  });
  it('knows nothing after a reset', () => {
    const watcher = new Watcher();
    watcher.see([row('a', 2)], 0);
    watcher.reset();
    expect(watcher.see([row('b', 2)], 1)).toEqual([]);
  });
});

describe('deploysOf', () => {
  const deploys = (...versions: [string, string][]) =>
    deploysOf(versions.map(([version, counts]) => ({ serviceId: 'p/a', service: 'a', version, points: counts.split('').map((count, i) => [i, count === '-' ? null : Number(count)] as const) }))).map(({ at, words }) => `${at} ${words}`);

  it('is no deploy what was there from the start', () => expect(deploys(['v1', '00555'])).toEqual([]));
  it('sees a version take over', () => expect(deploys(['v1', '55200'], ['v2', '00255'])).toEqual(['2 a deployed v2']));
  it('sees the way back', () => expect(deploys(['v1', '5500005'], ['v2', '0055550'])).toEqual(['2 a deployed v2', '6 a deployed v1']));
  it('takes a canary of few requests for one deploy', () => expect(deploys(['v1', '999999'], ['v2', '010101'])).toEqual(['1 a deployed v2']));
  it('overlooks a service that names no version', () => expect(deploys(['', '55500'], ['v1', '00055'])).toEqual([]));
});

const event = (at: number, kind: EventKind, serviceId = 'p/a'): CityEvent => ({ key: `${kind}${at}`, at, kind, serviceId, words: `${serviceId} ${kind}` });

it('merges what two sources tell of the same happening', () => {
  expect(mergeEvents([event(100_000, 'unhealthy')], [event(40_001, 'unhealthy'), event(0, 'unhealthy', 'p/b')]).map(({ at }) => at)).toEqual([0, 40_001]);
});

it('takes the pods that a deploy starts and stops for no scaling', () => {
  const events = [event(0, 'deployed'), event(60_000, 'scaled-up'), event(60_000, 'scaled-up', 'p/b'), event(500_000, 'scaled-down')];
  expect(withoutRollouts(events).map(({ at, serviceId }) => `${at} ${serviceId}`)).toEqual(['0 p/a', '60000 p/b', '500000 p/a']);
});
