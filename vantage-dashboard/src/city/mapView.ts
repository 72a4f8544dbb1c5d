import { rayThrough, type View } from './camera/rig';
import type { Rect } from './plan';

/** The city from above as plain numbers, for a map that is drawn without WebGL. */

export interface MapPicture {
  /** What the map shows, in metres. */
  bounds: Rect;
  districts: readonly Rect[];
  /** x, z, width and a number of no meaning, slot after slot; width 0: nobody lives there. */
  lots: Float32Array;
  /** Status code of a slot. */
  statusOf: (slot: number) => number;
  /** Above 0: the slot has stepped back. */
  dim: Float32Array;
  count: number;
  /** -1: none. */
  selected: number;
  /** What the camera sees of the ground, clockwise from its upper left corner. */
  sight: readonly Point[];
}

export interface Point {
  x: number;
  z: number;
}

export interface MapSource {
  read: () => MapPicture;
  /** Calls back whenever another picture would be drawn; returns the way to stop that. */
  onChange: (callback: () => void) => () => void;
  lookAt: (at: Point) => void;
}

const CORNERS = [[-1, 1], [1, 1], [1, -1], [-1, -1]] as const;

/** The quadrangle of the ground that is in view; towards the horizon it ends at `far` metres. */
export function sightOf(view: View, aspect: number, far: number): Point[] {
  return CORNERS.map(([x, y]) => {
    const ray = rayThrough(view, aspect, x, y);
    const flat = Math.hypot(ray.x, ray.z) || 1e-6;
    const reach = ray.y < 0 ? Math.min(far, (view.eye.y / -ray.y) * flat) : far;
    return { x: view.eye.x + (ray.x / flat) * reach, z: view.eye.z + (ray.z / flat) * reach };
  });
}

export interface MapScale {
  toMap: (at: Point) => { x: number; y: number };
  toGround: (at: { x: number; y: number }) => Point;
  /** Map pixels a metre. */
  scale: number;
}

/** North (the gate's side) is below, as the city is first seen; the whole of the bounds fits in. */
export function mapScale({ minX, maxX, minZ, maxZ }: Rect, width: number, height: number, margin: number): MapScale {
  const scale = Math.min((width - 2 * margin) / Math.max(1, maxX - minX), (height - 2 * margin) / Math.max(1, maxZ - minZ));
  const midX = (minX + maxX) / 2, midZ = (minZ + maxZ) / 2;
  return {
    scale,
    toMap: ({ x, z }) => ({ x: width / 2 - (x - midX) * scale, y: height / 2 - (z - midZ) * scale }),
    toGround: ({ x, y }) => ({ x: midX - (x - width / 2) / scale, z: midZ - (y - height / 2) / scale }),
  };
}
