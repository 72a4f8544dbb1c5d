import { expect, it } from 'vitest';
import { World } from '../world/world';
import { CURVE_ROWS, emptyCurves, fillCurves, holds } from './curves';
import { Fleet } from './fleet';

const entry = (slot: number) => ({ slot, id: `p/s${slot}`, name: `s${slot}`, environment: 'p', district: 'd', x: slot * 3, z: 0 });
const gate = { x: 0, y: 3, z: -20, radius: 2 };

function fleetOf(slots: number[]): Fleet {
  const world = new World(), fleet = new Fleet();
  world.applyHello({ districts: [], services: slots.map(entry), edges: [] });
  fleet.sync(world, 0);
  return fleet;
}

const texel = (table: ReturnType<typeof emptyCurves>, id: number, i: number) => {
  const at = ((id % CURVE_ROWS) * table.width + Math.floor(id / CURVE_ROWS) * 4 + i) * 4;
  return [...table.data.subarray(at, at + 4)];
};

it('leads from the roof of the caller to the roof of the callee', () => {
  const table = emptyCurves(5);
  const fleet = fleetOf([0, 1]);
  fillCurves(table, [{ id: 5, from: 0, to: 1 }], fleet, gate);
  expect([texel(table, 5, 0)[0], texel(table, 5, 3)[0]]).toEqual([fleet.centreOf(0).x, fleet.centreOf(1).x].map(Math.fround));
  expect(texel(table, 5, 1)[1]).toBeGreaterThan(texel(table, 5, 0)[1]!);
});

it('starts at the gate when the caller is unknown', () => {
  const table = emptyCurves(0);
  fillCurves(table, [{ id: 0, from: null, to: 1 }], fleetOf([0, 1]), gate);
  expect(texel(table, 0, 0)).toEqual([0, 3, -20, 1]);
});

it('leaves an edge of a missing service empty', () => {
  const table = emptyCurves(0);
  fillCurves(table, [{ id: 0, from: 0, to: 9 }], fleetOf([0]), gate);
  expect(texel(table, 0, 0)[3]).toBe(0);
});

it('holds edge ids beyond the height of a texture', () => {
  const table = emptyCurves(65_535);
  fillCurves(table, [{ id: 65_535, from: 0, to: 1 }], fleetOf([0, 1]), gate);
  expect(texel(table, 65_535, 0)[3]).toBe(1);
  expect(table.width).toBe(256);
});

it.each([[0], [31], [32], [59], [1023], [1024], [65_535]])('holds edge %d, and a small city takes a small table', (highest) => {
  const table = emptyCurves(highest);
  expect(holds(table, highest)).toBe(true);
  expect(holds(table, 2 * highest + 2048)).toBe(false);
});
