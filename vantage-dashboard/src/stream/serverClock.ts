/**
 * Maps the server's clock to ours. Each message proves "server time was at least t when it arrived";
 * the one that travelled fastest proves most, so the estimate is the largest offset of a recent window.
 */
export class ServerClock {
  private readonly samples: { at: number; offset: number }[] = [];

  constructor(private readonly windowMs = 30_000) {}

  observe(serverMs: number, localMs: number): void {
    const offset = serverMs - localMs;
    const oldest = localMs - this.windowMs;
    while (this.samples.length > 0 && this.samples[0]!.at < oldest) this.samples.shift();
    // A sample below a newer one can never be the maximum again.
    while (this.samples.length > 0 && this.samples.at(-1)!.offset <= offset) this.samples.pop();
    this.samples.push({ at: localMs, offset });
  }

  get known(): boolean {
    return this.samples.length > 0;
  }

  /** Server minus local, in ms. */
  get offsetMs(): number {
    return this.samples[0]?.offset ?? 0;
  }

  toLocal(serverMs: number): number {
    return serverMs - this.offsetMs;
  }
}
