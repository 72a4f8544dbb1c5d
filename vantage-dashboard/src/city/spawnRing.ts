/**
 * Particles as 16-byte records (start, duration, edge, error) in a ring that the GPU reads.
 * A record is written once, at spawn; the oldest is overwritten when the ring is full.
 */
export class SpawnRing {
  readonly data: Float32Array<ArrayBuffer>;
  /** City time at which the last particle in the air lands. */
  lastLanding = 0;

  private head = 0;
  private pending = 0;
  /** Records from the oldest that may still fly to the newest. */
  private kept = 0;

  constructor(readonly capacity: number) {
    this.data = new Float32Array(capacity * 4);
  }

  spawn(start: number, duration: number, edge: number, error: boolean): void {
    const at = this.head * 4;
    this.data[at] = start;
    this.data[at + 1] = duration;
    this.data[at + 2] = edge;
    this.data[at + 3] = error ? 1 : 0;
    this.head = (this.head + 1) % this.capacity;
    this.pending = Math.min(this.pending + 1, this.capacity);
    this.kept = Math.min(this.kept + 1, this.capacity);
    this.lastLanding = Math.max(this.lastLanding, start + duration);
  }

  /** Records written since the last call, as at most two ranges [first record, count]. */
  takeDirty(): [number, number][] {
    const count = this.pending;
    this.pending = 0;
    if (count === 0) return [];
    const first = (this.head - count + this.capacity) % this.capacity;
    const beforeWrap = Math.min(count, this.capacity - first);
    return beforeWrap === count ? [[first, count]] : [[first, beforeWrap], [0, count - beforeWrap]];
  }

  /** Records whose time is now. */
  alive(now: number): number {
    let count = 0;
    for (let at = 0; at < this.data.length; at += 4) if (this.data[at]! <= now && this.data[at]! + this.data[at + 1]! > now) count++;
    return count;
  }

  /**
   * The records that may be seen now or later, as at most two ranges [first record, count]: a GPU that draws only
   * these does not pay for an empty sky. The oldest that still flies holds back those behind it.
   */
  live(now: number): [number, number][] {
    while (this.kept > 0 && this.endOf(this.oldest) <= now) this.kept--;
    const first = this.oldest, beforeWrap = Math.min(this.kept, this.capacity - first);
    return [[first, beforeWrap], [0, this.kept - beforeWrap]];
  }

  private get oldest(): number {
    return (this.head - this.kept + this.capacity) % this.capacity;
  }

  private endOf(record: number): number {
    return this.data[record * 4]! + this.data[record * 4 + 1]!;
  }

  /** See Fleet.shiftTime. Every record is dirty afterwards. */
  shiftTime(seconds: number): void {
    for (let record = 0; record < this.capacity; record++) this.data[record * 4]! -= seconds;
    this.lastLanding -= seconds;
    this.pending = this.capacity;
  }
}
