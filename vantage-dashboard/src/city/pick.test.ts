import { describe, expect, it } from 'vitest';
import { World } from '../world/world';
import { Fleet } from './fleet';
import { pickBuilding, rayBox } from './pick';

describe('rayBox', () => {
  const down = { x: 0, y: -1, z: 0 };
  it.each([
    ['from above, onto the roof', { origin: { x: 0, y: 10, z: 0 }, direction: down }, 5],
    ['past the side', { origin: { x: 3, y: 10, z: 0 }, direction: down }, Infinity],
    ['away from it', { origin: { x: 0, y: 10, z: 0 }, direction: { x: 0, y: 1, z: 0 } }, Infinity],
    ['from the side', { origin: { x: -10, y: 2, z: 0 }, direction: { x: 1, y: 0, z: 0 } }, 9],
    ['over the roof', { origin: { x: -10, y: 6, z: 0 }, direction: { x: 1, y: 0, z: 0 } }, Infinity],
    ['from inside', { origin: { x: 0, y: 1, z: 0 }, direction: { x: 1, y: 0, z: 0 } }, 0],
  ])('%s', (_name, ray, distance) => {
    expect(rayBox(ray, 0, 0, 1, 5)).toBe(distance);
  });
});

describe('pickBuilding', () => {
  const entry = (slot: number) => ({ slot, id: `p/s${slot}`, name: `s${slot}`, environment: 'p', district: 'd', x: slot * 2, z: 0 });
  const world = new World(), fleet = new Fleet();
  world.applyHello({ districts: [], services: [entry(0), entry(1), entry(2)], edges: [] });
  fleet.sync(world, 0);
  const along = { x: 1, y: 0, z: 0 };

  it('takes the nearest of several in line', () => {
    expect(pickBuilding(fleet, { origin: { x: -9, y: 1, z: 2 }, direction: along }, 10)).toBe(0);
    expect(pickBuilding(fleet, { origin: { x: 30, y: 1, z: 2 }, direction: { x: -1, y: 0, z: 0 } }, 10)).toBe(2);
  });

  it('takes nobody on the open street', () => {
    expect(pickBuilding(fleet, { origin: { x: -9, y: 1, z: 9 }, direction: along }, 10)).toBeNull();
  });

  it('does not see a building that has not risen yet', () => {
    expect(pickBuilding(fleet, { origin: { x: -9, y: 1, z: 2 }, direction: along }, 0)).toBeNull();
  });
});
