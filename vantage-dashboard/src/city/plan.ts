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

const BLOCK = 4;
const AVENUE = 2;
const PITCH = BLOCK + AVENUE;
/** An avenue's lots are drawn narrower than a block's: a street between houses, not a field. */
const AVENUE_LOT = 1.9;

export const HALF_AVENUE = (AVENUE * AVENUE_LOT) / 2;
/** From one block's corner to the next one's. */
export const BLOCK_PITCH = BLOCK * LOT + AVENUE * AVENUE_LOT;

/** Staked out before the first service comes: three by three blocks without a name. */
export const EMPTY_BLOCKS: readonly District[] = [-1, 0, 1].flatMap((x) => [-1, 0, 1].map((z) => ({ name: '', x: x * PITCH, z: z * PITCH, width: BLOCK, depth: BLOCK })));

/**
 * The surveyor: where on the ground a lot lies. Blocks and avenues repeat, so one district tells where all
 * of them begin, and no later district moves an earlier one.
 */
export class Ground {
  private readonly originX: number;
  private readonly originZ: number;

  constructor(districts: readonly District[]) {
    this.originX = modulo(districts[0]?.x ?? 0, PITCH);
    this.originZ = modulo(districts[0]?.z ?? 0, PITCH);
  }

  /** Centre of the lot a building stands on. */
  centre(lot: { x: number; z: number }): { x: number; z: number } {
    return { x: metres(lot.x + 0.5 - this.originX), z: metres(lot.z + 0.5 - this.originZ) };
  }

  rect(district: Pick<District, 'x' | 'z' | 'width' | 'depth'>): Rect {
    const x = district.x - this.originX, z = district.z - this.originZ;
    return { minX: metres(x), maxX: metres(x + district.width), minZ: metres(z), maxZ: metres(z + district.depth) };
  }
}

/** Lots from the corner of a block to metres, through blocks and avenues. */
function metres(lots: number): number {
  const blocks = Math.floor(lots / PITCH);
  const within = lots - blocks * PITCH;
  return blocks * BLOCK_PITCH + Math.min(within, BLOCK) * LOT + Math.max(0, within - BLOCK) * AVENUE_LOT;
}

/** What the city covers; without districts and services, the empty blocks. */
export function cityRect(ground: Ground, districts: readonly District[], services: Iterable<ServiceEntry>): Rect {
  const rects = [...districts.map((district) => ground.rect(district)), ...lotRects(ground, services)];
  return union(rects.length > 0 ? rects : EMPTY_BLOCKS.map((block) => ground.rect(block)));
}

/** What is built on, one rectangle a district: smaller than its plot until the plot is full. */
export function builtRects(ground: Ground, services: Iterable<ServiceEntry>): Rect[] {
  const byDistrict = new Map<string, ServiceEntry[]>();
  for (const service of services) byDistrict.set(service.district, [...(byDistrict.get(service.district) ?? []), service]);
  return [...byDistrict.values()].map((built) => union(lotRects(ground, built)));
}

function lotRects(ground: Ground, services: Iterable<ServiceEntry>): Rect[] {
  return [...services].map(({ x, z }) => ground.rect({ x, z, width: 1, depth: 1 }));
}

function union(rects: readonly Rect[]): Rect {
  return rects.reduce((all, rect) => ({
    minX: Math.min(all.minX, rect.minX),
    maxX: Math.max(all.maxX, rect.maxX),
    minZ: Math.min(all.minZ, rect.minZ),
    maxZ: Math.max(all.maxZ, rect.maxZ),
  }));
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
 * Where requests from outside enter: on the low-z side, which new districts extend least, at the mouth of the avenue
 * nearest to the middle, so that no house stands behind it. It grows with the city, a little, to stay a landmark.
 */
export function gateOf(rect: Rect): Gate {
  const radius = Math.min(1.6, Math.max(0.8, rectRadius(rect) * 0.02));
  const avenue = Math.round((rectCentre(rect).x + HALF_AVENUE) / BLOCK_PITCH) * BLOCK_PITCH - HALF_AVENUE;
  return { x: avenue, y: radius * 1.3, z: rect.minZ - HALF_AVENUE, radius };
}

const modulo = (value: number, by: number): number => ((value % by) + by) % by;
