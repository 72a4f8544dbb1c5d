import type { RequestColumns, ServiceEntry, TickColumns } from '../world/model';
import { atSpeed, moved, paused, played, positionOf, type Playhead } from '../world/player';
import { placed, Recording, stepAt, wantedChunks, type Chunk, type FoundFrame, type RecordedMoment, type RecordedPage } from '../world/recording';
import { sampleOf, synthesize, type FlowNow } from '../world/traffic';
import type { World } from '../world/world';
import { withSlots } from './replay';
import { PastError, type PastReader } from './replayStream';

/** What a person sees of a replay. */
export interface PastState {
  /** Where the replay is, in server epoch ms. */
  at: number;
  /** The moment whose numbers are drawn; null until there are any. */
  shownAt: number | null;
  /** Every number is that of this long before the moment. */
  stepMs: number;
  playing: boolean;
  speed: number;
  loading: boolean;
  error: string | null;
  /** One particle stands for this many requests. */
  sample: number;
}

export interface TimeTravelOptions {
  world: World;
  reader: Pick<PastReader, 'moment' | 'replay'>;
  /** Epoch ms on the server's clock. */
  serverNow: () => number;
  isHidden?: () => boolean;
  random?: () => number;
  onState: (state: PastState) => void;
  /** Something is to be drawn. */
  onArrival: () => void;
  /** The replay reached the present. */
  onCaughtUp: () => void;
}

const TICK_MS = 100;
/** While the position runs about (dragging), nothing is asked for. */
const REST_MS = 150;
const MOMENT_GOOD_MS = 60_000;
const MOMENT_EVERY_MS = 1500;
const RETRY_MS = 5000;
/** One that is on its way for where one was does not keep the one for where one is waiting. */
/** What we take for the server's clock may be a little ahead of it. */
const CLOCKS_MS = 2000;
const MAX_ASKED = 2;
/** The present is reached where the stored frames end. */
const CAUGHT_UP_MS = 12_000;

interface NamedFlow {
  id: number;
  from: string | null;
  to: string;
  /** Its share of what its end got at the moment it is known of. */
  rps: number;
  endRps: number;
  errorRatio: number;
}

/** Draws a stored time into the world: seeks, plays, fetches ahead. */
export class TimeTravel {
  private head: Playhead;
  private readonly recording = new Recording();
  private readonly timer: number;
  private flows: NamedFlow[] = [];
  private flowsNow: FlowNow[] = [];
  private moment: RecordedMoment | null = null;
  private shown: { tick: TickColumns; services: readonly ServiceEntry[] } | null = null;
  private page: { page: object; services: readonly ServiceEntry[]; key: string } | null = null;
  private requests: RequestColumns[] = [];
  private movedAt = -Infinity;
  private readonly chunksAsked = new Set<number>();
  /** When which position was asked for. */
  private readonly momentsAsked = new Map<number, number>();
  private momentTaken = -Infinity;
  private momentAskedAt = -Infinity;
  private retryAt = -Infinity;
  private error: string | null = null;
  private closed = false;
  private sample = 1;
  /** The last position that could be drawn. */
  private lastAt: number;

  constructor(
    private readonly options: TimeTravelOptions,
    at: number,
    { speed, playing }: { speed: number; playing: boolean },
  ) {
    this.head = { at, speed, since: playing ? options.serverNow() : null };
    this.lastAt = at;
    this.timer = self.setInterval(() => this.tick(), TICK_MS);
    this.tick();
  }

  close(): void {
    this.closed = true;
    self.clearInterval(this.timer);
  }

  get position(): number {
    return positionOf(this.head, this.options.serverNow());
  }

  seek(at: number): void {
    this.movedAt = this.options.serverNow();
    this.retryAt = -Infinity;
    this.momentAskedAt = -Infinity;
    this.error = null;
    this.requests = [];
    this.head = moved(this.head, Math.min(at, this.movedAt), this.movedAt);
    this.tick();
  }

  setPlaying(playing: boolean): void {
    const now = this.options.serverNow();
    this.head = playing ? played(this.head, now) : paused(this.head, now);
    this.tick();
  }

  setSpeed(speed: number): void {
    this.head = atSpeed(this.head, speed, this.options.serverNow());
    this.tick();
  }

  /** Coarse frames of the time around: what dragging shows at once. */
  setOverview(pages: RecordedPage[]): void {
    this.recording.setOverview(pages);
    this.tick();
  }

  takeRequests(): RequestColumns[] {
    const taken = this.requests;
    this.requests = [];
    return taken;
  }

  private tick(): void {
    if (this.closed) return;
    const { serverNow, isHidden, onState, onCaughtUp } = this.options;
    const now = serverNow();
    if (isHidden?.()) {
      // Nobody looks: the replay waits, and asks for nothing.
      this.head = moved(this.head, this.lastAt, now);
      return;
    }
    const at = positionOf(this.head, now);
    if (this.head.since !== null && at > now - CAUGHT_UP_MS) {
      onCaughtUp();
      return;
    }
    const isShown = this.show(at);
    if (isShown || this.head.since === null) this.lastAt = at;
    else this.head = moved(this.head, this.lastAt, now);
    if (now - this.movedAt >= REST_MS) this.fetch(this.lastAt, now);
    if (isShown && this.head.since !== null) this.fly(now);
    onState({
      at: this.lastAt,
      shownAt: this.shown?.tick.time ?? null,
      stepMs: stepAt(this.lastAt, now),
      playing: this.head.since !== null,
      speed: this.head.speed,
      loading: !isShown && this.error === null,
      error: isShown ? null : this.error,
      sample: this.sample,
    });
  }

  /** Draws the newest numbers there are for a position; false where there are none. */
  private show(at: number): boolean {
    const found = this.foundAt(at);
    if (found === null) return false;
    if (found.tick === this.shown?.tick) return true;
    const services = this.enter(found.page);
    const tick = withSlots(found.tick, services);
    this.options.world.applyTick(tick);
    this.shown = { tick: found.tick, services };
    this.updateFlows();
    this.options.onArrival();
    return true;
  }

  /** A frame, or the moment beside it; a frame without a service is of a time that the server has yet to add up. */
  private foundAt(at: number): FoundFrame | null {
    const frame = this.recording.frameAt(at);
    return frame !== null && frame.page.services.length > 0 ? frame : (this.momentAt(at) ?? frame);
  }

  private momentAt(at: number): FoundFrame | null {
    const { moment } = this;
    if (moment === null || at < moment.at || at - moment.at > stepAt(at, this.options.serverNow()) * 2) return null;
    return { page: { stepMs: 0, ...moment.hello, frames: [] }, tick: moment.tick };
  }

  /** Builds the registry of a page, unless it stands already. Returns its services with the slots of the world. */
  private enter(page: RecordedPage): readonly ServiceEntry[] {
    const { world } = this.options;
    if (this.page?.page === page) return this.page.services;
    const services = placed(page.services, (id) => world.slotOf(id));
    const key = JSON.stringify([page.districts, services]);
    if (key !== this.page?.key) this.build(page.districts, services);
    this.page = { page, services, key };
    return services;
  }

  private build(districts: RecordedPage['districts'], services: readonly ServiceEntry[]): void {
    const slots = new Map(services.map(({ id, slot }) => [id, slot]));
    const edges = this.flows.flatMap(({ id, from, to }) => {
      const start = from === null ? null : slots.get(from), end = slots.get(to);
      return start === undefined || end === undefined ? [] : [{ id, from: start, to: end }];
    });
    this.options.world.applyHello({ districts, services: [...services], edges });
  }

  /** Between the moments whose edges are known, each edge goes with what its end gets. */
  private updateFlows(): void {
    const { world } = this.options;
    this.flowsNow = this.flows.flatMap(({ id, from, to, rps, endRps, errorRatio }) => {
      const end = world.slotOf(to), start = from === null ? null : world.slotOf(from);
      if (end === undefined || start === undefined) return [];
      const row = world.row(end)!;
      return [{ id, from: start, to: end, rps: endRps > 0 ? (rps * row.rps) / endRps : rps, errorRatio, p95Ms: row.p95Ms }];
    });
    this.sample = sampleOf(this.flowsNow, this.head.speed);
  }

  private fly(now: number): void {
    const { random = Math.random, onArrival } = this.options;
    const batch = synthesize(this.flowsNow, { time: now, lengthMs: TICK_MS, speed: this.head.speed, sample: this.sample, random });
    if (batch.edge.length === 0) return;
    this.requests = [...this.requests.slice(-20), batch];
    onArrival();
  }

  private fetch(at: number, now: number): void {
    if (now < this.retryAt) return;
    const isFar = this.moment === null || Math.abs(at - this.moment.at) > MOMENT_GOOD_MS;
    const isBlank = this.recording.frameAt(at) === null && this.momentAt(at) === null;
    const isComing = [...this.momentsAsked.values()].some((position) => Math.abs(position - at) < stepAt(at, now));
    if ((isFar || isBlank) && !isComing && this.momentsAsked.size < MAX_ASKED && now - this.momentAskedAt > MOMENT_EVERY_MS) void this.fetchMoment(at, now);
    // First the picture, which is quickly there, then the film.
    if (isBlank && this.momentsAsked.size > 0) return;
    if (this.chunksAsked.size >= MAX_ASKED) return;
    const missing = wantedChunks(at, this.head.speed, this.head.since !== null, now).find((chunk) => !this.recording.has(chunk, now) && !this.chunksAsked.has(chunk.start));
    if (missing) void this.fetchChunk(missing, now);
  }

  private async fetchMoment(at: number, now: number): Promise<void> {
    this.momentsAsked.set(now, at);
    this.momentAskedAt = now;
    try {
      const moment = await this.options.reader.moment(Math.round(Math.min(at, now - CLOCKS_MS)));
      // Of two that were on their way the later question counts.
      if (!this.closed && now > this.momentTaken) {
        this.momentTaken = now;
        this.takeMoment(moment);
      }
    } catch (error) {
      this.failed(error);
    } finally {
      this.momentsAsked.delete(now);
    }
    this.tick();
  }

  private takeMoment(moment: RecordedMoment): void {
    const { hello, tick, flows } = moment;
    const ids = new Map(hello.services.map(({ slot, id }, index) => [slot, { id, rps: tick.rps[index]! }]));
    this.moment = moment;
    this.flows = flows.flatMap(({ id, from, to, rps, errorRatio }) => {
      const end = ids.get(to), start = from === null ? null : ids.get(from)?.id;
      return end === undefined || start === undefined ? [] : [{ id, from: start, to: end.id, rps, endRps: end.rps, errorRatio }];
    });
    // The edges of the registry that stands are new; its buildings are not.
    if (this.page) this.build([...this.options.world.districts], this.page.services);
    if (this.page && this.shown) this.options.world.applyTick(withSlots(this.shown.tick, this.page.services));
    this.updateFlows();
    this.options.onArrival();
  }

  private async fetchChunk(chunk: Chunk, now: number): Promise<void> {
    this.chunksAsked.add(chunk.start);
    const end = Math.min(chunk.end, Math.floor((now - 1000) / chunk.stepMs) * chunk.stepMs);
    try {
      const pages = end > chunk.start ? await this.options.reader.replay(chunk.start, end, chunk.stepMs) : [];
      if (!this.closed) this.recording.add(chunk, pages, now);
    } catch (error) {
      this.failed(error);
    } finally {
      this.chunksAsked.delete(chunk.start);
    }
    this.tick();
  }

  private failed(error: unknown): void {
    this.error = error instanceof PastError ? error.message : String(error);
    // What is not kept any more will not be kept later either.
    const isFinal = error instanceof PastError && error.status >= 400 && error.status < 500;
    this.retryAt = isFinal ? Infinity : this.options.serverNow() + RETRY_MS;
  }
}
