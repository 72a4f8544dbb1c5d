import type { District, Hello, ServiceEntry, TickColumns } from './model';

/** The city as it was, as far as it has been fetched. Pure. */

/** Moments in steps, each with the numbers of the step before it. The registry holds for all of them. */
export interface RecordedPage {
  stepMs: number;
  districts: District[];
  services: ServiceEntry[];
  /** Ascending; every frame has every service. */
  frames: TickColumns[];
}

/** Requests per second of one way through the city. */
export interface Flow {
  id: number;
  from: number | null;
  to: number;
  rps: number;
  errorRatio: number;
}

/** One moment with its edges, which pages do not have. */
export interface RecordedMoment {
  at: number;
  hello: Hello;
  tick: TickColumns;
  flows: Flow[];
}

export interface FoundFrame {
  page: RecordedPage;
  tick: TickColumns;
}

/** Ten minutes: what one request costs the server hardly depends on how much it brings. */
export const CHUNK_MS = 600_000;
export const FINE_STEP_MS = 10_000;
/** So long there are slots of ten seconds (docs/live-streams.md); a margin for clocks that differ. */
const FINE_KEPT_MS = 7 * 86_400_000 - 10 * 60_000;
const COARSE_STEP_MS = 60_000;

export interface Chunk {
  start: number;
  end: number;
  stepMs: number;
}

/** The finest step that is stored for this moment. */
export const stepAt = (at: number, now: number): number => (now - at < FINE_KEPT_MS ? FINE_STEP_MS : COARSE_STEP_MS);

/** Frames end a step: the one shown at `at` is the last that was complete. */
export const chunkAt = (at: number, now: number): Chunk => {
  const start = Math.floor(at / CHUNK_MS) * CHUNK_MS;
  return { start, end: start + CHUNK_MS, stepMs: stepAt(start, now) };
};

/** Rows come in late; what was asked for this soon after its time may have to be asked for again. */
export const LATE_MS = 20_000;
/** What was asked for before the server had added it up is blank: it is asked for again after this long. */
export const BLANK_MS = 10_000;
/** Chunks kept: two hours of a replay. */
const MAX_CHUNKS = 12;

interface Kept {
  pages: RecordedPage[];
  /** Complete up to here. */
  until: number;
  /** When it was asked for and not one service was in it. */
  blankAt: number | null;
}

/** What has been fetched, and what should be next. */
export class Recording {
  private readonly chunks = new Map<number, Kept>();
  private overview: RecordedPage[] = [];

  /** Coarse frames of a long time, for looking around before the fine ones are there. */
  setOverview(pages: RecordedPage[]): void {
    this.overview = pages;
  }

  add(chunk: Chunk, pages: RecordedPage[], askedAt: number): void {
    this.chunks.delete(chunk.start);
    const isBlank = pages.every(({ services }) => services.length === 0);
    this.chunks.set(chunk.start, { pages, until: Math.min(chunk.end, askedAt - LATE_MS), blankAt: isBlank ? askedAt : null });
    for (const start of [...this.chunks.keys()].slice(0, -MAX_CHUNKS)) this.chunks.delete(start);
  }

  has(chunk: Chunk, now: number): boolean {
    const kept = this.chunks.get(chunk.start);
    if (kept === undefined) return false;
    if (kept.blankAt !== null) return now - kept.blankAt < BLANK_MS;
    return kept.until >= chunk.end || now - LATE_MS - kept.until < chunk.stepMs * 2;
  }

  /** The newest frame that is not after `at`, fine where there is one. */
  frameAt(at: number): FoundFrame | null {
    const fine = this.chunks.get(Math.floor(at / CHUNK_MS) * CHUNK_MS)?.pages ?? [];
    return newest(fine, at) ?? newest(this.overview, at);
  }

  clear(): void {
    this.chunks.clear();
    this.overview = [];
  }
}

function newest(pages: readonly RecordedPage[], at: number): FoundFrame | null {
  for (const page of [...pages].reverse()) {
    const first = page.frames[0];
    if (first === undefined || first.time > at) continue;
    const index = Math.min(page.frames.length - 1, Math.floor((at - first.time) / page.stepMs));
    const tick = page.frames[index]!;
    return at - tick.time < page.stepMs * 2 ? { page, tick } : null;
  }
  return null;
}

/** How far ahead to fetch: what plays within this time, and never less than to the end of the next chunk. */
const AHEAD_MS = 25_000;

/** The chunks wanted at a position, most urgent first. */
export function wantedChunks(at: number, speed: number, playing: boolean, now: number): Chunk[] {
  const chunks = [chunkAt(at, now)];
  const until = playing ? at + Math.max(AHEAD_MS * speed, CHUNK_MS / 4) : at;
  while (chunks.at(-1)!.end < Math.min(until, now)) chunks.push(chunkAt(chunks.at(-1)!.end, now));
  return chunks;
}

/** The same services with the slots of the world they come into: who is known there keeps its own, others get free ones. */
export function placed(services: readonly ServiceEntry[], slotOf: (id: string) => number | undefined): ServiceEntry[] {
  const taken = new Set(services.flatMap(({ id }) => slotOf(id) ?? []));
  let free = 0;
  return services.map((service) => {
    const own = slotOf(service.id);
    if (own !== undefined) return { ...service, slot: own };
    while (taken.has(free)) free++;
    taken.add(free);
    return { ...service, slot: free };
  });
}
