import type { ServiceRow } from '../world/model';
import type { World } from '../world/world';

/** window.__vantage: figures for tests and benches, installed with ?vantage=1 only. */

export interface FrameStats {
  frames: number;
  /** Those after the start, which the averages below are taken from (the last 240 of them). */
  steadyFrames: number;
  draws: number;
  triangles: number;
  /** Bytes given to the GPU (buffers and textures) since the page was opened, and a frame on average. */
  bytes: number;
  bytesPerFrame: number;
  jsMs: { p50: number; p95: number };
  tier: string;
}

export interface CityProbe {
  stats: () => FrameStats;
  /** In CSS pixels of the page, as `probe` takes them. */
  project: (serviceId: string) => { x: number; y: number } | null;
  probe: (x: number, y: number) => [number, number, number, number];
  coverage: (threshold?: number) => number;
  /** 95th percentile of what one pick takes, over this many of them. */
  pickMs: (rounds: number) => number;
  /** Particles in the air. */
  flying: () => number;
  /** The camera is where it should be. */
  isResting: () => boolean;
}

export interface LastChange {
  rps: number;
  errorRatio: number | null;
  /** Epoch ms (performance.timeOrigin based). */
  at: number;
}

/** One global, filled from two sides: the session (numbers) and, when there is one, the city (pixels). */
export class Vantage {
  firstFrameAt: number | null = null;
  /** By slot; an unknown ratio is NaN. */
  private readonly changes: { rps: number; errorRatio: number; at: number }[] = [];
  private city: CityProbe | null = null;
  private seen: string | null = null;

  constructor(private readonly world: World) {}

  attachCity(city: CityProbe | null): void {
    this.city = city;
  }

  get stats(): FrameStats | null {
    return this.city?.stats() ?? null;
  }

  project(serviceId: string): { x: number; y: number } | null {
    return this.city?.project(serviceId) ?? null;
  }

  probe(x: number, y: number): [number, number, number, number] | null {
    return this.city?.probe(x, y) ?? null;
  }

  coverage(threshold?: number): number | null {
    return this.city?.coverage(threshold) ?? null;
  }

  pickMs(rounds = 500): number | null {
    return this.city?.pickMs(rounds) ?? null;
  }

  get flying(): number | null {
    return this.city?.flying() ?? null;
  }

  get isResting(): boolean | null {
    return this.city?.isResting() ?? null;
  }

  services(): Record<string, ServiceRow> {
    return Object.fromEntries(this.world.rows().map((row) => [row.id, row]));
  }

  /** A frame of the city has been given to the GPU. Costs next to nothing: what it counts beside must not tell in the figures. */
  drawn(): void {
    const at = now();
    this.firstFrameAt ??= at;
    const { version, services, columns } = this.world;
    if (version === this.seen) return;
    this.seen = version;
    for (const slot of services.keys()) this.note(slot, columns.rps[slot]!, columns.errorRatio[slot]!, at);
  }

  /** The numbers of a table on screen. */
  shown(rows: readonly ServiceRow[]): void {
    const at = now();
    this.firstFrameAt ??= at;
    for (const { slot, rps, errorRatio } of rows) this.note(slot, rps, errorRatio ?? NaN, at);
  }

  /** When which service was last seen with another number than before, by id. */
  get lastChange(): Record<string, LastChange> {
    const known = [...this.world.services].flatMap(([slot, { id }]) => {
      const last = this.changes[slot];
      return last ? [[id, { ...last, errorRatio: Number.isNaN(last.errorRatio) ? null : last.errorRatio }] as const] : [];
    });
    return Object.fromEntries(known);
  }

  private note(slot: number, rps: number, errorRatio: number, at: number): void {
    const last = (this.changes[slot] ??= { rps: NaN, errorRatio: NaN, at });
    if (last.rps === rps && Object.is(last.errorRatio, errorRatio)) return;
    last.rps = rps;
    last.errorRatio = errorRatio;
    last.at = at;
  }
}

const now = (): number => performance.timeOrigin + performance.now();

declare global {
  interface Window {
    __vantage?: Vantage;
  }
}
