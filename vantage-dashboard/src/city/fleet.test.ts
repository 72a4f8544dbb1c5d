import { beforeEach, describe, expect, it } from 'vitest';
import { World } from '../world/world';
import { heightOf, spinOf, loadOf } from './encoding';
import { Fleet, RISE_S } from './fleet';

const entry = (slot: number) => ({ slot, id: `p/s${slot}`, name: `s${slot}`, environment: 'p', district: 'd', x: slot, z: 0 });
const tick = (slot: number, pods: number, rps: number, status = 1) => ({
  time: 0, slot: Uint16Array.of(slot), pods: Uint16Array.of(pods), rps: Float32Array.of(rps), errorRatio: Float32Array.of(0),
  p95Ms: Float32Array.of(1), health: Uint8Array.of(90), status: Uint8Array.of(status),
});

let world: World, fleet: Fleet;

beforeEach(() => {
  world = new World();
  fleet = new Fleet();
  world.applyHello({ districts: [], services: [entry(0), entry(1), entry(2)], edges: [] });
  fleet.sync(world, 0);
  fleet.clearDirty();
});

describe('Fleet', () => {
  it('lets a new building rise from the ground', () => {
    expect(fleet.heightAt(0, 0)).toBe(0);
    expect(fleet.heightAt(0, RISE_S)).toBeCloseTo(heightOf(0));
  });

  it('grows from the height that is shown, not from the last target', () => {
    world.applyTick(tick(0, 10, 0));
    fleet.sync(world, 5);
    const half = fleet.heightAt(0, 5 + RISE_S / 2);
    world.applyTick(tick(0, 4, 0));
    fleet.sync(world, 5 + RISE_S / 2);
    expect(fleet.heightAt(0, 5 + RISE_S / 2)).toBeCloseTo(half, 4);
    expect(fleet.heightAt(0, 99)).toBeCloseTo(heightOf(4), 4);
  });

  it('leaves a ring where it stands when motion is not wanted', () => {
    const still = new Fleet(false);
    still.sync(world, 0);
    const before = still.spin[4];
    for (const [at, rps] of [[1, 10], [3, 5000]] as const) {
      world.applyTick(tick(1, 1, rps));
      still.sync(world, at);
    }
    expect(still.spin[4]).toBe(before);
  });

  it('keeps the phase of a ring when its speed changes', () => {
    const phaseAt = (now: number) => fleet.spin[4]! + fleet.spin[5]! * (now - fleet.spin[6]!);
    world.applyTick(tick(1, 1, 10));
    fleet.sync(world, 1);
    const before = phaseAt(3) % (2 * Math.PI);
    world.applyTick(tick(1, 1, 5000));
    fleet.sync(world, 3);
    expect(phaseAt(3)).toBeCloseTo(before, 4);
    expect(fleet.spin[5]).toBeCloseTo(spinOf(loadOf(5000)), 4);
  });

  it('marks only what changed', () => {
    world.applyTick(tick(1, 5, 10));
    expect(fleet.sync(world, 1)).toBe(true);
    expect([fleet.dirtyFrom, fleet.dirtyTo]).toEqual([1, 2]);
    fleet.clearDirty();
    world.applyTick(tick(1, 5, 10));
    expect(fleet.sync(world, 2)).toBe(false);
    expect(fleet.dirtyTo).toBe(0);
  });

  it('says when nothing turns any more', () => {
    world.applyTick(tick(1, 1, 10));
    fleet.sync(world, 1);
    expect(fleet.spinning).toBe(true);
    world.applyTick(tick(1, 1, 0));
    fleet.sync(world, 2);
    expect(fleet.spinning).toBe(false);
  });

  it('empties the lot of a service that left', () => {
    world.applyRegistry({ districts: [], services: { upsert: [], remove: [1] }, edges: { upsert: [], remove: [] } });
    fleet.sync(world, 1);
    expect(fleet.lot[6]).toBe(0);
  });

  it('shows the same picture after city time was shifted', () => {
    world.applyTick(tick(0, 10, 100));
    fleet.sync(world, 1000);
    const before = fleet.heightAt(0, 1000.3);
    fleet.shiftTime(900);
    expect(fleet.heightAt(0, 100.3)).toBeCloseTo(before, 3);
  });

  it('keeps values when it grows', () => {
    world.applyTick(tick(0, 10, 100));
    fleet.sync(world, 1);
    world.applyRegistry({ districts: [], services: { upsert: [entry(500)], remove: [] }, edges: { upsert: [], remove: [] } });
    fleet.sync(world, 9);
    expect(fleet.capacity).toBe(512);
    expect(fleet.heightAt(0, 9)).toBeCloseTo(heightOf(10), 4);
  });
});
