import { HEALTH_UNKNOWN, Status, type TickColumns } from './model';

/** The newest numbers of every slot, one typed array a column, indexed by slot. */
export class Columns {
  capacity: number;
  pods: Uint16Array;
  rps: Float32Array;
  errorRatio: Float32Array;
  p95Ms: Float32Array;
  health: Uint8Array;
  status: Uint8Array;

  constructor(capacity = 64) {
    this.capacity = capacity;
    this.pods = new Uint16Array(capacity);
    this.rps = new Float32Array(capacity);
    this.errorRatio = new Float32Array(capacity).fill(NaN);
    this.p95Ms = new Float32Array(capacity).fill(NaN);
    this.health = new Uint8Array(capacity).fill(HEALTH_UNKNOWN);
    this.status = new Uint8Array(capacity);
  }

  ensure(slots: number): void {
    if (slots <= this.capacity) return;
    let capacity = this.capacity;
    while (capacity < slots) capacity *= 2;
    const grown = new Columns(capacity);
    grown.take(this);
    Object.assign(this, grown);
  }

  /** Takes over the numbers of another that has no more slots than this. */
  take(other: Columns): void {
    this.pods.set(other.pods);
    this.rps.set(other.rps);
    this.errorRatio.set(other.errorRatio);
    this.p95Ms.set(other.p95Ms);
    this.health.set(other.health);
    this.status.set(other.status);
  }

  /** Takes over the numbers of one entry of a tick. Returns whether one of them is another than before. */
  put(slot: number, tick: TickColumns, i: number): boolean {
    const same =
      this.pods[slot] === tick.pods[i] &&
      Object.is(this.rps[slot], tick.rps[i]) &&
      Object.is(this.errorRatio[slot], tick.errorRatio[i]) &&
      Object.is(this.p95Ms[slot], tick.p95Ms[i]) &&
      this.health[slot] === tick.health[i] &&
      this.status[slot] === tick.status[i];
    if (same) return false;
    this.pods[slot] = tick.pods[i]!;
    this.rps[slot] = tick.rps[i]!;
    this.errorRatio[slot] = tick.errorRatio[i]!;
    this.p95Ms[slot] = tick.p95Ms[i]!;
    this.health[slot] = tick.health[i]!;
    this.status[slot] = tick.status[i]!;
    return true;
  }

  /** A slot may be reused: its next owner must not inherit numbers. */
  clear(slot: number): void {
    this.pods[slot] = 0;
    this.rps[slot] = 0;
    this.errorRatio[slot] = NaN;
    this.p95Ms[slot] = NaN;
    this.health[slot] = HEALTH_UNKNOWN;
    this.status[slot] = Status.UNKNOWN;
  }
}
