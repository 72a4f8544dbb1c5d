import { describe, expect, it } from 'vitest';
import type { CityEvent, EventKind } from './events';
import { aligned, eventsOf, fractionOf, marksOf, overviewFrames, spanAround, stepFor, timeAt, toneOf } from './timeline';
import type { RecordedPage } from './recording';

const HOUR = 3_600_000;
const NOW = 100 * HOUR;
const lastHour = { start: NOW - HOUR, end: NOW };

describe('spanAround', () => {
  it.each([
    ['now', null, NOW - HOUR],
    ['within', NOW - 1000, NOW - HOUR],
    ['a little before', NOW - HOUR - 1, NOW - 2 * HOUR],
    ['long before', NOW - 10.5 * HOUR, NOW - 11 * HOUR],
  ])('%s', (_, at, start) => {
    expect(spanAround(lastHour, at, NOW)).toEqual({ start, end: start + HOUR });
  });
  it('follows a replay that leaves a fixed range, and never into the future', () => {
    expect(spanAround({ start: NOW - 3 * HOUR, end: NOW - 2 * HOUR }, NOW - 1.5 * HOUR, NOW)).toEqual({ start: NOW - 2 * HOUR, end: NOW - HOUR });
    expect(spanAround({ start: NOW - 1.5 * HOUR, end: NOW - 0.5 * HOUR }, NOW - 60_000, NOW)).toEqual(lastHour);
  });
});

it('places and times are each other’s inverse', () => {
  expect(fractionOf(NOW - HOUR / 4, lastHour)).toBe(0.75);
  expect(timeAt(0.75, lastHour)).toBe(NOW - HOUR / 4);
  expect([fractionOf(0, lastHour), timeAt(7, lastHour)]).toEqual([0, NOW]);
});

it('steps fit the span, and spans their steps', () => {
  expect([stepFor(lastHour, 180), stepFor({ start: 0, end: 24 * HOUR }, 180)]).toEqual([60_000, 600_000]);
  expect(aligned({ start: 61_000, end: 119_000 }, 60_000)).toEqual({ start: 60_000, end: 120_000 });
  expect([overviewFrames(30), overviewFrames(200), overviewFrames(10_000)]).toEqual([120, 100, 12]);
});

const event = (at: number, kind: EventKind): CityEvent => ({ key: `${kind}${at}`, at, kind, serviceId: 'p/a', words: kind });

it('events that would cover each other share a mark, the weightiest in front', () => {
  const marks = marksOf([event(NOW - 1000, 'deployed'), event(NOW - 2000, 'scaled-up'), event(NOW - 500, 'fired'), event(NOW - HOUR / 2, 'recovered'), event(NOW - 2 * HOUR, 'fired')], lastHour, 0.02);
  expect(marks.map(({ events }) => events.map(({ kind }) => kind))).toEqual([['recovered'], ['fired', 'deployed', 'scaled-up']]);
});

it('reads scaling and incidents off recorded frames', () => {
  const frame = (time: number, pods: number, status: number) => ({
    time, slot: Uint16Array.of(0), pods: Uint16Array.of(pods), rps: Float32Array.of(5), errorRatio: Float32Array.of(NaN), p95Ms: Float32Array.of(NaN), health: Uint8Array.of(255), status: Uint8Array.of(status),
  });
  const page: RecordedPage = {
    stepMs: 10,
    districts: [],
    services: [{ slot: 0, id: 'p/a', name: 'a', environment: 'p', district: 'd', x: 0, z: 0 }],
    frames: [frame(0, 2, 1), frame(10, 2, 1), frame(20, 4, 3), frame(30, 4, 3), frame(40, 9, 3), frame(50, 4, 1), frame(60, 4, 1)],
  };
  expect(eventsOf([page]).map(({ at, kind }) => `${at} ${kind}`)).toEqual(['20 unhealthy', '20 scaled-up', '50 recovered']);
});

it.each([
  [0, {}, 'unknown'],
  [5, { HEALTHY: 3 }, 'healthy'],
  [5, { HEALTHY: 3, DEGRADED: 1 }, 'degraded'],
  [5, { DEGRADED: 1, UNHEALTHY: 1 }, 'unhealthy'],
])('%i requests, %j → %s', (requests, statuses, tone) => {
  expect(toneOf({ timestamp: 0, health_score: null, error_ratio: null, requests, statuses })).toBe(tone);
});
