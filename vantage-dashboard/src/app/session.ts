import { createStore, type StoreApi } from 'zustand/vanilla';
import type { CityFeed } from '../city/feed';
import { ServerClock } from '../stream/serverClock';
import type { FromWorker } from '../stream/city.protocol';
import { openCityStream, socketUrl, type CityStream } from '../stream/cityStream';
import type { FleetStatus } from '../stream/messages';
import type { LinkState } from '../stream/socket';
import type { RequestColumns, ServiceRow } from '../world/model';
import { attentionList, countByStatus, type StatusCounts } from '../world/summary';
import { World } from '../world/world';

/** What the HUD shows; refreshed a few times a second, never per tick. */
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

const HUD_EVERY_MS = 250;
/** A hidden tab draws nothing: older batches would only pile up. */
const MAX_WAITING_BATCHES = 40;

/** One connection to the server and everything kept from it. */
export class Session implements CityFeed {
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
    const taken = this.waiting;
    this.waiting = [];
    return taken;
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
        break;
      case 'frame':
        this.receiveFrame(message);
        break;
    }
    for (const listener of this.listeners) listener();
  }

  private receiveText({ message, at }: Extract<FromWorker, { type: 'message' }>): void {
    switch (message.type) {
      case 'hello':
        this.clock.observe(message.server_time, at);
        this.world.applyHello(message);
        this.hud.setState({ greeted: true, incompatible: null });
        this.refreshHud();
        break;
      case 'registry':
        this.world.applyRegistry(message);
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
      this.world.applyTick(frame.tick);
      return;
    }
    if (this.waiting.length < MAX_WAITING_BATCHES) this.waiting.push(frame.requests);
    if (frame.requests.sample !== this.hud.getState().sample) this.hud.setState({ sample: frame.requests.sample });
  }

  private refreshHud(): void {
    const { world } = this;
    const version = `${world.layoutVersion}/${world.tickVersion}`;
    if (version === this.seen) return;
    this.seen = version;
    const rows = world.rows();
    this.hud.setState({ serviceCount: rows.length, counts: countByStatus(rows), attention: attentionList(rows) });
  }
}
