import type { District, ServiceEntry } from '../world/model';
import { LOT } from './encoding';

/** Lots to metres. x and z of the wire count lots from one corner of the city; y is up. */

export interface Rect {
  minX: number;
  maxX: number;
  minZ: number;
  maxZ: number;
}

export interface Vec3 {
  x: number;
  y: number;
  z: number;
}

/** Centre of the lot a building stands on. */
export function lotCentre(lot: { x: number; z: number }): { x: number; z: number } {
  return { x: (lot.x + 0.5) * LOT, z: (lot.z + 0.5) * LOT };
}

export function districtRect(district: District): Rect {
  return {
    minX: district.x * LOT,
    maxX: (district.x + district.width) * LOT,
    minZ: district.z * LOT,
    maxZ: (district.z + district.depth) * LOT,
  };
}

const BLOCK = 4;
const PITCH = 6;

/** Staked out before the first service comes: three by three blocks without a name. */
export const EMPTY_BLOCKS: readonly District[] = [-1, 0, 1].flatMap((x) => [-1, 0, 1].map((z) => ({ name: '', x: x * PITCH, z: z * PITCH, width: BLOCK, depth: BLOCK })));

/** What the city covers; without districts and services, the empty blocks. */
export function cityRect(districts: readonly District[], services: Iterable<ServiceEntry>): Rect {
  const rect: Rect = { minX: Infinity, maxX: -Infinity, minZ: Infinity, maxZ: -Infinity };
  const grow = (r: Rect) => {
    rect.minX = Math.min(rect.minX, r.minX);
    rect.maxX = Math.max(rect.maxX, r.maxX);
    rect.minZ = Math.min(rect.minZ, r.minZ);
    rect.maxZ = Math.max(rect.maxZ, r.maxZ);
  };
  for (const district of districts) grow(districtRect(district));
  for (const { x, z } of services) grow(districtRect({ name: '', x, z, width: 1, depth: 1 }));
  if (rect.minX > rect.maxX) for (const block of EMPTY_BLOCKS) grow(districtRect(block));
  return rect;
}

export function rectCentre(rect: Rect): { x: number; z: number } {
  return { x: (rect.minX + rect.maxX) / 2, z: (rect.minZ + rect.maxZ) / 2 };
}

/** Half the diagonal. */
export function rectRadius(rect: Rect): number {
  return Math.hypot(rect.maxX - rect.minX, rect.maxZ - rect.minZ) / 2;
}

export interface Gate extends Vec3 {
  /** Radius of the hoop. */
  radius: number;
}

/**
 * Where requests from outside enter. On the low-z side, which new districts extend least,
 * and scaled with the city so that it stays a landmark.
 */
export function gateOf(rect: Rect): Gate {
  const radius = Math.min(3.6, Math.max(1.7, rectRadius(rect) * 0.045));
  const { x } = rectCentre(rect);
  return { x: Math.round(x / LOT) * LOT, y: radius * 1.3, z: rect.minZ - LOT * 1.1 - radius, radius };
}
