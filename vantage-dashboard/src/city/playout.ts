import type { RequestColumns } from '../world/model';
import { flightSeconds } from './encoding';
import type { SpawnRing } from './spawnRing';

/** Requests are shown this much later than they happened: time for a batch to be sent and travel. */
export const PLAYOUT_MS = 400;

/** Late ones are spread over this long instead of starting in one burst. */
const LATE_SPREAD_S = 0.25;

export interface PlayoutClock {
  /** Server epoch ms → local epoch ms. */
  toLocal: (serverMs: number) => number;
  /** Local epoch ms → city seconds. */
  toCity: (localMs: number) => number;
  /** City seconds now. */
  now: number;
}

/** Puts a batch of requests into the ring, each at the moment it is to be seen. */
export function scheduleRequests(ring: SpawnRing, requests: RequestColumns, clock: PlayoutClock): void {
  for (let i = 0; i < requests.edge.length; i++) {
    const due = clock.toCity(clock.toLocal(requests.time + requests.offsetMs[i]!) + PLAYOUT_MS);
    const start = due >= clock.now ? due : clock.now + LATE_SPREAD_S * ((i * 0.618034) % 1);
    ring.spawn(start, flightSeconds(requests.durationMs[i]!), requests.edge[i]!, requests.error[i] === 1);
  }
}
