import { describe, expect, it } from 'vitest';
import { groundUnder, viewOf, type Pose } from './camera/rig';
import { mapScale, sightOf } from './mapView';

const pose: Pose = { target: { x: 10, y: 0, z: 20 }, yaw: 0.7, pitch: 1.2, distance: 60 };

describe('sightOf', () => {
  it('is the ground under the corners of the view', () => {
    const view = viewOf(pose);
    const corners = ([[-1, 1], [1, 1], [1, -1], [-1, -1]] as const).map(([x, y]) => groundUnder(view, 1.6, x, y)!);
    sightOf(view, 1.6, 1e6).forEach(({ x, z }, i) => expect([x, z]).toEqual([expect.closeTo(corners[i]!.x), expect.closeTo(corners[i]!.z)]));
  });

  it('ends before the horizon', () => {
    const view = viewOf({ ...pose, pitch: 0.44 });
    for (const { x, z } of sightOf(view, 1.6, 100)) expect(Math.hypot(x - view.eye.x, z - view.eye.z)).toBeLessThanOrEqual(100.001);
  });
});

describe('mapScale', () => {
  const bounds = { minX: -10, maxX: 30, minZ: 0, maxZ: 100 };

  it('keeps all of the bounds inside the margin', () => {
    const { toMap } = mapScale(bounds, 200, 150, 8);
    for (const x of [-10, 30]) for (const z of [0, 100]) {
      const at = toMap({ x, z });
      expect(at.x).toBeGreaterThanOrEqual(8);
      expect(at.x).toBeLessThanOrEqual(192);
      expect(at.y).toBeGreaterThanOrEqual(8);
      expect(at.y).toBeLessThanOrEqual(142);
    }
  });

  it('and the way back undo each other', () => {
    const { toMap, toGround } = mapScale(bounds, 200, 150, 8);
    const back = toGround(toMap({ x: 3, z: 71 }));
    expect([back.x, back.z]).toEqual([expect.closeTo(3), expect.closeTo(71)]);
  });

  it('has a scale for a city of nothing', () => {
    expect(mapScale({ minX: 0, maxX: 0, minZ: 0, maxZ: 0 }, 200, 150, 8).scale).toBeGreaterThan(0);
  });
});
