import type { Api } from '../api/types';
import { HEALTH_UNKNOWN, type ServiceEntry, type TickColumns } from '../world/model';
import type { RecordedMoment, RecordedPage } from '../world/recording';
import { statusOfWord } from '../world/status';

/** The documents of /api/city and /api/city/replay as columns. Pure. */

export function decodeReplay({ services, districts, frames, step_s }: Api<'CityReplay'>): RecordedPage {
  const indexOf = new Map(services.map(({ slot }, index) => [slot, index]));
  return {
    stepMs: step_s * 1000,
    districts,
    services,
    frames: frames.map(({ at, rows }) => {
      // Who has no row was UNKNOWN and at rest.
      const tick = atRest(services, at);
      for (const [slot, pods, rps, errorRatio, p95Ms, health, status] of rows) {
        const index = indexOf.get(slot);
        if (index !== undefined) fill(tick, index, { pods, rps, errorRatio, p95Ms, health, status });
      }
      return tick;
    }),
  };
}

export function decodeMoment({ at, server_time, districts, services, edges }: Api<'CityMoment'>): RecordedMoment {
  const time = at ?? server_time;
  const tick = atRest(services, time);
  services.forEach((service, index) =>
    fill(tick, index, { pods: service.pods, rps: service.rps, errorRatio: service.error_ratio, p95Ms: service.p95_ms, health: service.health_score, status: statusOfWord(service.status) }),
  );
  return {
    at: time,
    hello: {
      districts,
      services: services.map(({ slot, id, name, environment, district, x, z }) => ({ slot, id, name, environment, district, x, z })),
      edges: edges.map(({ id, from, to }) => ({ id, from, to })),
    },
    tick,
    flows: edges.map(({ id, from, to, rps, error_ratio }) => ({ id, from, to, rps, errorRatio: error_ratio ?? 0 })),
  };
}

function atRest(services: readonly { slot: number }[], time: number): TickColumns {
  const count = services.length;
  return {
    time,
    slot: Uint16Array.from(services, ({ slot }) => slot),
    pods: new Uint16Array(count),
    rps: new Float32Array(count),
    errorRatio: new Float32Array(count).fill(NaN),
    p95Ms: new Float32Array(count).fill(NaN),
    health: new Uint8Array(count).fill(HEALTH_UNKNOWN),
    status: new Uint8Array(count),
  };
}

interface Numbers {
  pods: number;
  rps: number;
  errorRatio: number | null;
  p95Ms: number | null;
  health: number | null;
  status: number;
}

function fill(tick: TickColumns, index: number, { pods, rps, errorRatio, p95Ms, health, status }: Numbers): void {
  tick.pods[index] = pods;
  tick.rps[index] = rps;
  tick.errorRatio[index] = errorRatio ?? NaN;
  tick.p95Ms[index] = p95Ms ?? NaN;
  tick.health[index] = health ?? HEALTH_UNKNOWN;
  tick.status[index] = status;
}

/** The buffers to move, not copy, when frames cross from the worker. */
export function tickBuffers(ticks: readonly TickColumns[]): ArrayBufferLike[] {
  return ticks.flatMap((tick) => Object.values(tick).flatMap((value) => (ArrayBuffer.isView(value) ? [value.buffer] : [])));
}

/** The order of `services` is that of a tick's columns: with other slots, the same numbers. */
export function withSlots(tick: TickColumns, services: readonly ServiceEntry[]): TickColumns {
  return { ...tick, slot: Uint16Array.from(services, ({ slot }) => slot) };
}
