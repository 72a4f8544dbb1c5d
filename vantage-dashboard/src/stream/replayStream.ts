import type { RecordedMoment, RecordedPage } from '../world/recording';
import type { Brought, FromReplay, ToReplay, Wanted } from './replay.protocol';

/** What a past moment or time could not be read for. */
export class PastError extends Error {
  constructor(
    readonly status: number,
    message: string,
  ) {
    super(message);
    this.name = 'PastError';
  }
}

/** Reads the past through a worker. */
export class PastReader {
  private readonly waiting = new Map<number, (brought: Brought) => void>();
  private worker: Worker | null = null;
  private lastId = 0;

  constructor(private readonly apiKey: () => string | null) {}

  async moment(at: number): Promise<RecordedMoment> {
    const brought = await this.ask({ kind: 'moment', at });
    if ('moment' in brought) return brought.moment;
    throw failure(brought);
  }

  /** The moments from `start` to `end` in steps, of however many pages they are. */
  async replay(start: number, end: number, stepMs: number): Promise<RecordedPage[]> {
    const brought = await this.ask({ kind: 'replay', start, end, stepMs });
    if ('pages' in brought) return brought.pages;
    throw failure(brought);
  }

  private ask(wanted: Wanted): Promise<Brought> {
    this.worker ??= this.open();
    const id = ++this.lastId;
    const message: ToReplay = { id, origin: window.location.origin, apiKey: this.apiKey(), wanted };
    this.worker.postMessage(message);
    return new Promise((resolve) => this.waiting.set(id, resolve));
  }

  private open(): Worker {
    const worker = new Worker(new URL('./replay.worker.ts', import.meta.url), { type: 'module', name: 'replay' });
    worker.onmessage = ({ data: { id, ...brought } }: MessageEvent<FromReplay>) => {
      this.waiting.get(id)?.(brought);
      this.waiting.delete(id);
    };
    return worker;
  }
}

const failure = (brought: Brought): PastError => ('failed' in brought ? new PastError(brought.status, brought.failed) : new PastError(0, 'The answer was not understood.'));
