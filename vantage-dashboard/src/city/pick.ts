import type { Fleet } from './fleet';
import type { Vec3 } from './plan';

export interface Ray {
  origin: Vec3;
  /** Need not be normalised. */
  direction: Vec3;
}

/** Podium and crown reach past the body. */
const PODIUM = 1.16;
const CROWN = 0.4;

/** The slot of the nearest building the ray meets, or null. A plain loop: 0.01 ms for a thousand. */
export function pickBuilding(fleet: Fleet, ray: Ray, now: number): number | null {
  let nearest = Infinity;
  let picked: number | null = null;
  for (let slot = 0; slot < fleet.count; slot++) {
    const at = slot * 4;
    const half = (fleet.lot[at + 2]! * PODIUM) / 2;
    if (half === 0) continue;
    const distance = rayBox(ray, fleet.lot[at]!, fleet.lot[at + 1]!, half, fleet.heightAt(slot, now) + CROWN);
    if (distance < nearest) {
      nearest = distance;
      picked = slot;
    }
  }
  return picked;
}

/** Distance, in lengths of the direction, to a box that stands on the ground; Infinity for a miss. */
export function rayBox({ origin, direction }: Ray, x: number, z: number, half: number, height: number): number {
  let near = 0, far = Infinity;
  const slab = (o: number, d: number, min: number, max: number): boolean => {
    if (d === 0) return o >= min && o <= max;
    const a = (min - o) / d, b = (max - o) / d;
    near = Math.max(near, Math.min(a, b));
    far = Math.min(far, Math.max(a, b));
    return near <= far;
  };
  const hit = slab(origin.x, direction.x, x - half, x + half) && slab(origin.z, direction.z, z - half, z + half) && slab(origin.y, direction.y, 0, height);
  return hit ? near : Infinity;
}
