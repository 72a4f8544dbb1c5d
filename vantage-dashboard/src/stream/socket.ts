import { backoffMs } from './backoff';

export type LinkState = 'connecting' | 'live' | 'stale' | 'offline';

/** What a socket needs from its surroundings; a test passes its own. */
export interface SocketEnvironment {
  open: (url: string) => WebSocket;
  setTimer: (run: () => void, ms: number) => number;
  clearTimer: (id: number) => void;
  random: () => number;
}

export interface SocketOptions {
  url: string;
  apiKey?: string | null;
  /** Without a message for this long a connected link counts as stale; null when silence is normal. */
  staleAfterMs: number | null;
  onState: (state: LinkState) => void;
  onOpen?: (send: (message: object) => void) => void;
  onMessage: (data: string | ArrayBuffer) => void;
  /** The server does not accept our key, or wants one: it makes no sense to come back with the same. */
  onRefused?: () => void;
}

const browser: SocketEnvironment = {
  open: (url) => new WebSocket(url),
  setTimer: (run, ms) => self.setTimeout(run, ms),
  clearTimer: (id) => self.clearTimeout(id),
  random: Math.random,
};

/** Close code of a server that refuses whom it sees. */
const POLICY_VIOLATION = 1008;

/** A dead peer sends nothing, not even a close: after this long in silence the socket is replaced. */
const DEAD_AFTER_STALE_MS = 7000;

/** A WebSocket that comes back by itself. */
export class ReconnectingSocket {
  private socket: WebSocket | null = null;
  private retryTimer: number | null = null;
  private staleTimer: number | null = null;
  private attempt = 0;
  private state: LinkState | null = null;
  private stopped = false;

  constructor(
    private readonly options: SocketOptions,
    private readonly environment: SocketEnvironment = browser,
  ) {}

  start(): void {
    this.stopped = false;
    this.connect();
  }

  stop(): void {
    this.stopped = true;
    this.clearTimers();
    this.drop();
  }

  send(message: object): void {
    if (this.socket?.readyState === WebSocket.OPEN) this.socket.send(JSON.stringify(message));
  }

  /** Try now instead of waiting: the network came back, or a person asked. */
  retryNow(): void {
    if (this.stopped || this.retryTimer === null) return;
    this.environment.clearTimer(this.retryTimer);
    this.retryTimer = null;
    this.connect();
  }

  private connect(): void {
    // The state stays "offline" while retrying, or the display would flicker with each attempt.
    if (this.attempt === 0) this.setState('connecting');
    const socket = this.environment.open(this.options.url);
    socket.binaryType = 'arraybuffer';
    this.socket = socket;
    socket.onopen = () => {
      if (this.options.apiKey) this.send({ type: 'auth', api_key: this.options.apiKey });
      this.options.onOpen?.((message) => this.send(message));
      this.heard();
    };
    socket.onmessage = (event: MessageEvent<string | ArrayBuffer>) => {
      this.attempt = 0;
      this.heard();
      this.options.onMessage(event.data);
    };
    socket.onclose = (event) => (event.code === POLICY_VIOLATION ? this.refused() : this.lost());
  }

  private heard(): void {
    this.setState('live');
    if (this.options.staleAfterMs === null) return;
    if (this.staleTimer !== null) this.environment.clearTimer(this.staleTimer);
    this.staleTimer = this.environment.setTimer(() => this.silent(), this.options.staleAfterMs);
  }

  private silent(): void {
    this.setState('stale');
    this.staleTimer = this.environment.setTimer(() => this.lost(), DEAD_AFTER_STALE_MS);
  }

  private lost(): void {
    this.clearTimers();
    this.drop();
    if (this.stopped) return;
    this.setState('offline');
    this.retryTimer = this.environment.setTimer(() => {
      this.retryTimer = null;
      this.connect();
    }, backoffMs(this.attempt++, this.environment.random));
  }

  private refused(): void {
    this.stop();
    this.setState('offline');
    this.options.onRefused?.();
  }

  private drop(): void {
    const socket = this.socket;
    this.socket = null;
    if (!socket) return;
    socket.onopen = socket.onmessage = socket.onclose = null;
    socket.close();
  }

  private clearTimers(): void {
    if (this.retryTimer !== null) this.environment.clearTimer(this.retryTimer);
    if (this.staleTimer !== null) this.environment.clearTimer(this.staleTimer);
    this.retryTimer = this.staleTimer = null;
  }

  private setState(state: LinkState): void {
    if (state === this.state) return;
    this.state = state;
    this.options.onState(state);
  }
}
