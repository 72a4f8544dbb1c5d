import type { Edge } from '../world/model';
import type { Fleet } from './fleet';
import type { Gate, Vec3 } from './plan';

/** Bezier control points of every edge, 4 texels each, read by the shaders with texelFetch. */

/** Edges stand in columns of this many rows: a texture may not be 65 536 rows high. */
export const CURVE_ROWS = 1024;
const TEXELS = 4;
const SMALLEST = 32;

export interface CurveTable {
  width: number;
  height: number;
  /** RGBA float32; alpha is 1 where an edge exists. */
  data: Float32Array<ArrayBuffer>;
}

/** A small city gets a small table: the whole of it goes to the GPU whenever a roof rises. */
export function emptyCurves(highestEdge: number): CurveTable {
  const edges = highestEdge + 1;
  const width = TEXELS * Math.max(1, Math.ceil(edges / CURVE_ROWS));
  const height = Math.min(CURVE_ROWS, 2 ** Math.ceil(Math.log2(Math.max(SMALLEST, edges))));
  return { width, height, data: new Float32Array(width * height * 4) };
}

export function holds(table: CurveTable, highestEdge: number): boolean {
  return highestEdge < (table.width / TEXELS) * table.height;
}

const ROOF = 0.55;

/** Fills the table; an edge whose end is missing stays empty and its particles are not drawn. */
export function fillCurves(table: CurveTable, edges: Iterable<Edge>, fleet: Fleet, gate: Gate): void {
  table.data.fill(0);
  const roof = (slot: number): Vec3 | null => {
    const at = slot * 4;
    if (slot >= fleet.count || fleet.lot[at + 2] === 0) return null;
    return { x: fleet.lot[at]!, y: fleet.rise[at + 1]! + ROOF, z: fleet.lot[at + 1]! };
  };
  for (const edge of edges) {
    const from = edge.from === null ? gate : roof(edge.from);
    const to = roof(edge.to);
    if (from && to) writeCurve(table, edge.id, from, to, edge.from === null);
  }
}

function writeCurve(table: CurveTable, id: number, from: Vec3, to: Vec3, ingress: boolean): void {
  const dx = to.x - from.x, dz = to.z - from.z;
  const distance = Math.hypot(dx, dz) || 1;
  const lift = 1.2 + distance * 0.2;
  const top = Math.max(from.y, to.y) + lift;
  // A sideways bow keeps the two directions between a pair of services apart.
  const bow = Math.min(2.2, distance * 0.09);
  const sideX = (-dz / distance) * bow, sideZ = (dx / distance) * bow;
  const points: Vec3[] = [
    from,
    // Through the gate straight ahead, elsewhere up from the roof.
    ingress ? { x: from.x, y: from.y + lift * 0.2, z: from.z + distance * 0.35 } : { x: from.x + dx * 0.15 + sideX, y: top, z: from.z + dz * 0.15 + sideZ },
    { x: to.x - dx * 0.15 + sideX, y: top, z: to.z - dz * 0.15 + sideZ },
    to,
  ];
  const column = Math.floor(id / CURVE_ROWS) * TEXELS, row = id % CURVE_ROWS;
  points.forEach((p, i) => table.data.set([p.x, p.y, p.z, 1], (row * table.width + column + i) * 4));
}
