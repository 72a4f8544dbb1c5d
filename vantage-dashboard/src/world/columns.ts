import { HEALTH_UNKNOWN, Status } from './model';

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
    grown.pods.set(this.pods);
    grown.rps.set(this.rps);
    grown.errorRatio.set(this.errorRatio);
    grown.p95Ms.set(this.p95Ms);
    grown.health.set(this.health);
    grown.status.set(this.status);
    Object.assign(this, grown);
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
