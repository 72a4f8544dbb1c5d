import { createStore, type StoreApi } from 'zustand/vanilla';
import { apiKey as keys } from '../api/apiKey';
import type { CityFeed } from '../city/feed';
import { ServerClock } from '../stream/serverClock';
import type { FromWorker } from '../stream/city.protocol';
import { openCityStream, socketUrl, type CityStream } from '../stream/cityStream';
import type { FleetStatus } from '../stream/messages';
import { PastReader } from '../stream/replayStream';
import type { LinkState } from '../stream/socket';
import { TimeTravel, type PastState } from '../stream/timeTravel';
import { Watcher, type CityEvent } from '../world/events';
import type { RequestColumns, ServiceRow } from '../world/model';
import type { RecordedPage } from '../world/recording';
import { needsAttention } from '../world/status';
import { attentionList, countByStatus, type StatusCounts } from '../world/summary';
import { World } from '../world/world';

/** What the HUD shows; refreshed twice a second, never per tick. */
export interface Hud {
  link: LinkState;
  incompatible: string | null;
  /** A hello has arrived since the page was opened. */
  greeted: boolean;
  fleet: FleetStatus | null;
  serviceCount: number;
  counts: StatusCounts;
  attention: ServiceRow[];
  /** One particle stands for this many requests. */
  sample: number;
}

const HUD_EVERY_MS = 500;
/** A hidden tab draws nothing: older batches would only pile up. */
const MAX_WAITING_BATCHES = 40;
const WATCH_EVERY_MS = 3000;
const MAX_EVENTS = 60;

/** One connection to the server, everything kept from it, and the past when a person looks there. */
export class Session implements CityFeed {
  /** What is shown: the present, or a moment of the past. */
  readonly world = new World();
  readonly hud: StoreApi<Hud> = createStore<Hud>(() => ({
    link: 'connecting',
    incompatible: null,
    greeted: false,
    fleet: null,
    serviceCount: 0,
    counts: countByStatus([]),
    attention: [],
    sample: 1,
  }));
  readonly past: StoreApi<PastState | null> = createStore<PastState | null>(() => null);
  /** What happened since the page was opened, oldest first. */
  readonly events: StoreApi<readonly CityEvent[]> = createStore<readonly CityEvent[]>(() => []);
  readonly reader = new PastReader(() => keys.getState().key);

  /** Where what arrives goes: while the past is shown, the present goes on out of sight. */
  private present = this.world;
  private travel: TimeTravel | null = null;
  private readonly watcher = new Watcher();
  private watchedAt = -Infinity;
  private happenings: CityEvent[] = [];
  private readonly clock = new ServerClock();
  private readonly listeners = new Set<() => void>();
  private waiting: RequestColumns[] = [];
  private stream: CityStream | null = null;
  private hudTimer: number | null = null;
  private refused: () => void = () => undefined;
  private seen = '';

  /** Connects, anew when it was connected before. `refused`: the server does not accept this key, or wants one. */
  start(apiKey: string | null, refused: () => void): void {
    this.stop();
    this.refused = refused;
    this.stream = openCityStream(socketUrl('/ws/city'), apiKey, (message) => this.receive(message));
    this.hudTimer = window.setInterval(() => this.refreshHud(), HUD_EVERY_MS);
    window.addEventListener('online', this.retry);
  }

  stop(): void {
    this.stream?.close();
    this.stream = null;
    if (this.hudTimer !== null) window.clearInterval(this.hudTimer);
    window.removeEventListener('online', this.retry);
  }

  readonly retry = (): void => this.stream?.retryNow();

  readonly toLocal = (serverMs: number): number => this.clock.toLocal(serverMs);

  takeRequests(): RequestColumns[] {
    if (this.travel) return this.travel.takeRequests();
    const taken = this.waiting;
    this.waiting = [];
    return taken;
  }

  takeEvents(): CityEvent[] {
    const taken = this.happenings;
    this.happenings = [];
    return taken;
  }

  /** The scene shows these at their buildings. */
  happened(events: readonly CityEvent[]): void {
    if (events.length === 0) return;
    this.happenings = [...this.happenings, ...events].slice(-MAX_EVENTS);
    this.arrived();
  }

  /** Epoch ms on the server's clock. */
  readonly serverNow = (): number => performance.timeOrigin + performance.now() + this.clock.offsetMs;

  /** Shows the past from `at` on; when it is shown already, goes there. */
  visit(at: number, how: { speed: number; playing: boolean; onCaughtUp: () => void }): void {
    if (this.travel) {
      this.travel.setSpeed(how.speed);
      this.travel.seek(at);
      this.travel.setPlaying(how.playing);
      return;
    }
    this.present = new World();
    this.present.become(this.world);
    this.waiting = [];
    this.travel = new TimeTravel(
      {
        world: this.world,
        reader: this.reader,
        serverNow: this.serverNow,
        isHidden: () => document.hidden,
        onState: (past) => this.past.setState(past),
        onArrival: () => this.arrived(),
        onCaughtUp: how.onCaughtUp,
      },
      at,
      how,
    );
  }

  /** Goes to a moment while a person still looks for it; `visit` follows when they have found it. */
  scrub(at: number): void {
    this.travel?.seek(at);
  }

  setOverview(pages: RecordedPage[]): void {
    this.travel?.setOverview(pages);
  }

  /** Back to the present, which went on meanwhile. */
  leavePast(): void {
    if (!this.travel) return;
    this.travel.close();
    this.travel = null;
    this.world.become(this.present);
    this.present = this.world;
    this.past.setState(null, true);
    this.watcher.reset();
    this.refreshHud();
    this.arrived();
  }

  onArrival(callback: () => void): () => void {
    this.listeners.add(callback);
    return () => this.listeners.delete(callback);
  }

  receive(message: FromWorker): void {
    switch (message.type) {
      case 'state':
        this.hud.setState({ link: message.state });
        return;
      case 'incompatible':
        this.hud.setState({ incompatible: message.reason, link: 'offline' });
        return;
      case 'refused':
        this.refused();
        return;
      case 'message':
        this.receiveText(message);
        return;
      case 'frame':
        this.receiveFrame(message);
        return;
    }
  }

  /** Something that the city shows is another than before. */
  private arrived(): void {
    for (const listener of this.listeners) listener();
  }

  private receiveText({ message, at }: Extract<FromWorker, { type: 'message' }>): void {
    switch (message.type) {
      case 'hello':
        this.clock.observe(message.server_time, at);
        this.present.applyHello(message);
        this.watcher.reset();
        this.hud.setState({ greeted: true, incompatible: null });
        this.refreshHud();
        this.arrived();
        break;
      case 'registry':
        this.present.applyRegistry(message);
        this.arrived();
        break;
      case 'status':
        this.clock.observe(message.server_time, at);
        this.hud.setState({ fleet: message });
        break;
      case 'lagging':
      case 'unknown':
        break;
    }
  }

  private receiveFrame({ frame, at }: Extract<FromWorker, { type: 'frame' }>): void {
    if (frame.kind === 'tick') {
      this.clock.observe(frame.tick.time, at);
      const { tickVersion } = this.present;
      this.present.applyTick(frame.tick);
      if (this.present.tickVersion !== tickVersion && !this.travel) this.arrived();
      return;
    }
    if (this.travel || frame.requests.edge.length === 0) return;
    if (this.waiting.length < MAX_WAITING_BATCHES) this.waiting.push(frame.requests);
    if (frame.requests.sample !== this.hud.getState().sample) this.hud.setState({ sample: frame.requests.sample });
    this.arrived();
  }

  private refreshHud(): void {
    const { world } = this;
    const { version } = world;
    if (version === this.seen) return;
    this.seen = version;
    // Of thousands of services only those that need attention are made rows of.
    const statuses = [...world.services.keys()].map((slot) => ({ slot, status: world.statusOf(slot) }));
    const unwell = statuses.filter(({ status }) => needsAttention(status)).map(({ slot }) => world.row(slot)!);
    this.hud.setState({ serviceCount: statuses.length, counts: countByStatus(statuses), attention: attentionList(unwell) });
    if (!this.travel) this.watch();
  }

  private watch(): void {
    const now = this.serverNow();
    if (now - this.watchedAt < WATCH_EVERY_MS || this.world.tickVersion === 0) return;
    this.watchedAt = now;
    const seen = this.watcher.see(this.world.rows(), now);
    if (seen.length === 0) return;
    this.events.setState([...this.events.getState(), ...seen].slice(-MAX_EVENTS), true);
    this.happened(seen);
  }
}
