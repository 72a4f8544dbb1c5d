import type { RequestColumns } from './model';
import type { Flow } from './recording';

/** Requests made up from stored rates, for a past of which only the rates are kept. Pure. */

export interface FlowNow extends Flow {
  /** p95 of whom it leads to; null where nothing is known. */
  p95Ms: number | null;
}

/** As many as a screen can tell apart. */
export const MAX_PARTICLES_PER_SECOND = 900;
const UNKNOWN_MS = 40;

/** How many requests one particle stands for, so that no more than that many fly. */
export function sampleOf(flows: readonly FlowNow[], speed: number): number {
  const total = flows.reduce((sum, { rps }) => sum + rps, 0) * speed;
  return Math.max(1, Math.min(65_535, Math.ceil(total / MAX_PARTICLES_PER_SECOND)));
}

interface Asked {
  /** Server epoch ms at which the batch begins to be played, and how long it is. */
  time: number;
  lengthMs: number;
  speed: number;
  sample: number;
  random: () => number;
}

/** One batch: each way gets its share, the fraction that is left decided by chance. */
export function synthesize(flows: readonly FlowNow[], { time, lengthMs, speed, sample, random }: Asked): RequestColumns {
  const edge: number[] = [], offset: number[] = [], duration: number[] = [], error: number[] = [];
  for (const { id, rps, errorRatio, p95Ms } of flows) {
    const expected = (rps * speed * lengthMs) / 1000 / sample;
    const count = Math.floor(expected) + (random() < expected % 1 ? 1 : 0);
    for (let i = 0; i < count; i++) {
      edge.push(id);
      offset.push(Math.floor(random() * lengthMs));
      // Half of the p95 is about the middle of what requests take.
      duration.push(Math.min(65_535, (p95Ms ?? UNKNOWN_MS) * (0.2 + 0.6 * random())));
      error.push(random() < errorRatio ? 1 : 0);
    }
  }
  return { time, sample, edge: Uint16Array.from(edge), offsetMs: Uint16Array.from(offset), durationMs: Uint16Array.from(duration), error: Uint8Array.from(error) };
}
