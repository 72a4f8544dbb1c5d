import type { RequestColumns } from '../world/model';
import { flightSeconds } from './encoding';
import type { SpawnRing } from './spawnRing';

/** Requests are shown this much later than they are due: room for a batch to travel. */
export const PLAYOUT_MS = 150;

export interface PlayoutClock {
  /** Server epoch ms → local epoch ms. */
  toLocal: (serverMs: number) => number;
  /** Local epoch ms → city seconds. */
  toCity: (localMs: number) => number;
  /** City seconds now. */
  now: number;
}

/**
 * Puts a batch of requests into the ring, each at its own moment. One that comes late appears where it would
 * be by now, so that the air shows the same picture at any frame rate; one that has landed is left out.
 */
export function scheduleRequests(ring: SpawnRing, requests: RequestColumns, clock: PlayoutClock): void {
  const begin = clock.toCity(clock.toLocal(requests.time) + PLAYOUT_MS);
  for (let i = 0; i < requests.edge.length; i++) {
    const start = begin + requests.offsetMs[i]! / 1000;
    const duration = flightSeconds(requests.durationMs[i]!);
    if (start + duration > clock.now) ring.spawn(start, duration, requests.edge[i]!, requests.error[i] === 1);
  }
}
