import type { World } from '../world/world';
import { clamp01, heightOf, loadOf, seedOf, spinOf, widthOf } from './encoding';
import { Ground } from './plan';

/**
 * Per-slot numbers in the form the shaders read. A change is recorded once, as "from, to, since when";
 * the shader moves between them, so nothing is computed or uploaded while nothing changes.
 *
 * lot   x, z, width, seed                     (width 0: nobody lives here)
 * rise  height from, height to, since, pods
 * load  load from, load to, since, error ratio
 * spin  phase at since, rad/s, since, status
 * dim   0–1: how far it has stepped back (no match of a filter; not on the selected service's paths)
 */
export const RISE_S = 0.8;
export const LOAD_S = 0.25;

/** Smallest change of load worth an upload: a third of a degree of arc. */
const LOAD_STEP = 0.001;
const ERROR_STEP = 0.002;

export class Fleet {
  capacity = 0;
  count = 0;
  lot = new Float32Array(0);
  rise = new Float32Array(0);
  load = new Float32Array(0);
  spin = new Float32Array(0);
  dim = new Float32Array(0);

  /** Grows with every reallocation: holders of the arrays must fetch them again. */
  generation = 0;
  /** Changed slots [dirtyFrom, dirtyTo) of rise, load and spin. */
  dirtyFrom = Infinity;
  dirtyTo = 0;
  lotsDirty = false;
  /** City time until which something still moves towards its value. */
  settledAt = 0;
  /** A ring turns somewhere. */
  spinning = false;
  /** Heights, and with them every curve that ends on a roof, changed. */
  shapeVersion = 0;
  /** Something that a map from above shows changed: a lot, a status, who has stepped back. */
  mapVersion = 0;

  private layoutVersion = -1;
  private tickVersion = -1;

  /** `moves`: false where motion is not wanted, and rings stand. */
  constructor(private readonly moves = true) {
    this.grow(64);
  }

  /** Takes over what changed in the world. Returns whether anything did. */
  sync(world: World, now: number): boolean {
    let changed = false;
    if (world.layoutVersion !== this.layoutVersion) {
      this.layoutVersion = world.layoutVersion;
      this.applyLayout(world, now);
      changed = true;
    }
    if (world.tickVersion !== this.tickVersion) {
      this.tickVersion = world.tickVersion;
      for (const slot of world.services.keys()) changed = this.applyNumbers(world, slot, now) || changed;
      this.spinning = this.anySpin();
    }
    return changed;
  }

  setDim(dimOf: (slot: number) => number): void {
    let changed = false;
    for (let slot = 0; slot < this.count; slot++) {
      const dim = Math.fround(dimOf(slot));
      if (this.dim[slot] === dim) continue;
      this.dim[slot] = dim;
      changed = true;
    }
    if (!changed) return;
    this.lotsDirty = true;
    this.mapVersion++;
  }

  isBuilt(slot: number): boolean {
    return slot < this.count && this.lot[slot * 4 + 2]! > 0;
  }

  centreOf(slot: number): { x: number; z: number } {
    return { x: this.lot[slot * 4]!, z: this.lot[slot * 4 + 1]! };
  }

  heightAt(slot: number, now: number): number {
    const at = slot * 4;
    return mix(this.rise[at]!, this.rise[at + 1]!, smooth((now - this.rise[at + 2]!) / RISE_S));
  }

  clearDirty(): void {
    this.dirtyFrom = Infinity;
    this.dirtyTo = 0;
    this.lotsDirty = false;
  }

  /** Moves the origin of city time, so that times stay small enough for a float32. */
  shiftTime(seconds: number): void {
    for (let slot = 0; slot < this.count; slot++) {
      this.rise[slot * 4 + 2]! -= seconds;
      this.load[slot * 4 + 2]! -= seconds;
      this.spin[slot * 4 + 2]! -= seconds;
    }
    this.settledAt -= seconds;
    this.touch(0);
    this.touch(this.count - 1);
  }

  private applyLayout(world: World, now: number): void {
    if (world.slotCount > this.capacity) this.grow(world.slotCount);
    this.count = world.slotCount;
    const ground = new Ground(world.districts);
    for (let slot = 0; slot < this.count; slot++) {
      const entry = world.services.get(slot);
      const seed = entry ? seedOf(entry.id) : -1;
      const at = slot * 4;
      const centre = entry ? ground.centre(entry) : { x: 0, z: 0 };
      const sameOwner = this.lot[at + 3] === seed && this.lot[at + 2]! > 0;
      this.lot.set([centre.x, centre.z, entry ? widthOf(seed) : 0, seed], at);
      if (entry && sameOwner) continue;
      this.rise.set([0, entry ? heightOf(0) : 0, now, 0], at);
      this.load.set([0, 0, now, 0], at);
      this.spin.set([(seed * 2.399) % (2 * Math.PI), 0, now, 0], at);
      this.touch(slot);
    }
    this.settledAt = Math.max(this.settledAt, now + RISE_S);
    this.lotsDirty = true;
    this.shapeVersion++;
    this.mapVersion++;
  }

  private applyNumbers(world: World, slot: number, now: number): boolean {
    const { columns } = world;
    const at = slot * 4;
    let changed = false;

    const pods = columns.pods[slot]!;
    // Rounded as the array rounds it, or it would differ from itself for ever.
    const height = Math.fround(heightOf(pods));
    if (height !== this.rise[at + 1] || pods !== this.rise[at + 3]) {
      this.rise.set([this.heightAt(slot, now), height, now, pods], at);
      this.settledAt = Math.max(this.settledAt, now + RISE_S);
      this.shapeVersion++;
      changed = true;
    }

    const load = loadOf(columns.rps[slot]!);
    const error = clamp01(columns.errorRatio[slot]! || 0);
    if (Math.abs(load - this.load[at + 1]!) > LOAD_STEP || Math.abs(error - this.load[at + 3]!) > ERROR_STEP) {
      const shown = mix(this.load[at]!, this.load[at + 1]!, clamp01((now - this.load[at + 2]!) / LOAD_S));
      this.load.set([shown, load, now, error], at);
      this.settledAt = Math.max(this.settledAt, now + LOAD_S);
      changed = true;
    }

    const speed = spinOf(load);
    const status = columns.status[slot]!;
    if (Math.abs(speed - this.spin[at + 1]!) > 0.01 || (speed === 0) !== (this.spin[at + 1] === 0) || status !== this.spin[at + 3]) {
      // The phase reached so far becomes the new start: a change of speed never makes a ring jump.
      const turned = this.moves ? this.spin[at + 1]! * (now - this.spin[at + 2]!) : 0;
      const phase = (this.spin[at]! + turned) % (2 * Math.PI);
      if (status !== this.spin[at + 3]) this.mapVersion++;
      this.spin.set([phase, speed, now, status], at);
      changed = true;
    }

    if (changed) this.touch(slot);
    return changed;
  }

  private anySpin(): boolean {
    for (let slot = 0; slot < this.count; slot++) if (this.isBuilt(slot) && this.spin[slot * 4 + 1]! > 0) return true;
    return false;
  }

  private touch(slot: number): void {
    if (slot < 0) return;
    this.dirtyFrom = Math.min(this.dirtyFrom, slot);
    this.dirtyTo = Math.max(this.dirtyTo, slot + 1);
  }

  private grow(slots: number): void {
    let capacity = Math.max(64, this.capacity);
    while (capacity < slots) capacity *= 2;
    const widen = (old: Float32Array, width: number) => {
      const wide = new Float32Array(capacity * width);
      wide.set(old);
      return wide;
    };
    this.lot = widen(this.lot, 4);
    this.rise = widen(this.rise, 4);
    this.load = widen(this.load, 4);
    this.spin = widen(this.spin, 4);
    this.dim = widen(this.dim, 1);
    this.capacity = capacity;
    this.generation++;
  }
}

const mix = (a: number, b: number, t: number): number => a + (b - a) * t;

function smooth(t: number): number {
  const x = clamp01(t);
  return x * x * (3 - 2 * x);
}
