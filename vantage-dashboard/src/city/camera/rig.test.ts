import { describe, expect, it } from 'vitest';
import { boxCorners, CameraRig, frameBest, framePoints, groundUnder, MAX_PITCH, MIN_PITCH, project, pullIntoView, rayThrough, TOP_PITCH, viewOf, type Pose } from './rig';

const pose: Pose = { target: { x: 10, y: 0, z: 20 }, yaw: 0.7, pitch: 0.8, distance: 60 };
const settle = (rig: CameraRig) => {
  for (let i = 0; i < 600 && rig.step(1 / 60); i++);
};

describe('projection', () => {
  it('and the ray through a pixel undo each other', () => {
    const view = viewOf(pose);
    const ray = rayThrough(view, 1.6, 0.3, -0.4);
    const point = { x: view.eye.x + ray.x * 30, y: view.eye.y + ray.y * 30, z: view.eye.z + ray.z * 30 };
    const seen = project(view, 1.6, point);
    expect([seen.x, seen.y, seen.depth]).toEqual([expect.closeTo(0.3), expect.closeTo(-0.4), expect.closeTo(30)]);
  });

  it('finds no ground in the sky', () => {
    expect(groundUnder(viewOf({ ...pose, pitch: MIN_PITCH }), 1.6, 0, 1)).toBeNull();
  });
});

describe('framePoints', () => {
  const cities = [['two houses', 8, 4], ['a town', 60, 14], ['a metropolis', 240, 40]] as const;
  const screens = [['wide', 16 / 9], ['portrait', 390 / 844]] as const;
  const cases = cities.flatMap(([city, size, height]) => screens.map(([screen, aspect]) => ({ city, size, height, screen, aspect })));

  it.each(cases)('shows all of $city on a $screen screen, and fills it', ({ size, height, aspect }) => {
    const rect = { minX: 0, maxX: size, minZ: 0, maxZ: size };
    const insets = { left: 0.05, right: 0.1, top: 0.15, bottom: 0.2 };
    const framed = framePoints(boxCorners(rect, height), { yaw: 3.7, pitch: 0.55 }, aspect, insets);
    const seen = boxCorners(rect, height).map((corner) => project(viewOf(framed), aspect, corner));
    const xs = seen.map((p) => p.x), ys = seen.map((p) => p.y);
    expect(Math.min(...xs)).toBeGreaterThan(-0.93);
    expect(Math.max(...xs)).toBeLessThan(0.83);
    expect(Math.min(...ys)).toBeGreaterThan(-0.63);
    expect(Math.max(...ys)).toBeLessThan(0.73);
    const filled = Math.max((Math.max(...xs) - Math.min(...xs)) / 1.7, (Math.max(...ys) - Math.min(...ys)) / 1.3);
    expect(filled).toBeGreaterThan(size < 10 ? 0.6 : 0.93);
  });
});

describe('frameBest', () => {
  const insets = { left: 0.02, right: 0.02, top: 0.1, bottom: 0.2 };
  const angles = [0.475, 0.6, 0.72].map((pitch) => ({ yaw: 3.7, pitch }));
  const flat = boxCorners({ minX: 0, maxX: 80, minZ: 0, maxZ: 80 }, 3);

  it('looks down more steeply on a wide, low city, to fill the height', () => {
    expect(frameBest(flat, angles, 16 / 9, insets).pitch).toBeGreaterThan(0.475);
  });

  it('stays at the first angles when others gain nothing', () => {
    expect(frameBest(flat, [angles[1]!, angles[1]!], 16 / 9, insets)).toEqual(framePoints(flat, angles[1]!, 16 / 9, insets));
  });

  it('keeps the city out from under a corner panel', () => {
    const corner = { width: 0.16, height: 0.5 };
    const framed = frameBest(flat, angles, 16 / 9, { ...insets, corner });
    const under = flat.map((point) => project(viewOf(framed), 16 / 9, point)).filter((p) => p.x < -1 + 2 * corner.width && p.y > 1 - 2 * corner.height);
    expect(under).toEqual([]);
  });
});

describe('pullIntoView', () => {
  const house = (x: number, z: number) => boxCorners({ minX: x, maxX: x + 3, minZ: z, maxZ: z + 3 }, 5);
  const insets = { left: 0.05, right: 0.3, top: 0.15, bottom: 0.2 };

  it.each([['far left', -60, 0], ['far right', 60, 0], ['behind the eye', 0, 80], ['at the horizon', 0, -120], ['under a panel', 9, 0]])('brings a house %s into the free part, at the same distance', (_where, x, z) => {
    const from = { target: { x: 0, y: 0, z: 0 }, yaw: 0.3, pitch: 0.8, distance: 40 };
    const pulled = structuredClone(from);
    expect(pullIntoView(house(x, z), pulled, 1.6, insets)).toBe(true);
    for (const corner of house(x, z)) {
      const seen = project(viewOf(pulled), 1.6, corner);
      expect(seen.depth).toBeGreaterThan(0);
      expect([seen.x >= -0.92, seen.x <= 0.42, seen.y >= -0.62, seen.y <= 0.72]).toEqual([true, true, true, true]);
    }
    expect([pulled.distance, pulled.yaw, pulled.pitch]).toEqual([from.distance, from.yaw, from.pitch]);
  });

  it('leaves a house alone that is in view', () => {
    const still = { target: { x: 0, y: 0, z: 0 }, yaw: 0.3, pitch: 0.8, distance: 40 };
    expect(pullIntoView(house(0, 0), still, 1.6)).toBe(false);
    expect(still.target).toEqual({ x: 0, y: 0, z: 0 });
  });
});

describe('CameraRig', () => {
  it('arrives at its goal and then rests', () => {
    const rig = new CameraRig(pose);
    rig.pan(5, 0);
    settle(rig);
    expect(rig.pose).toEqual(rig.goal);
    expect(rig.step(1 / 60)).toBe(false);
  });

  it('keeps the pitch between 25 and 75 degrees', () => {
    const rig = new CameraRig(pose);
    rig.orbit(0, 9);
    expect(rig.goal.pitch).toBe(MAX_PITCH);
    rig.orbit(0, -9);
    expect(rig.goal.pitch).toBe(MIN_PITCH);
  });

  it('keeps the ground under the cursor when it zooms', () => {
    const rig = new CameraRig(pose);
    const before = groundUnder(viewOf(rig.goal), 1.6, 0.4, -0.3)!;
    rig.zoom(0.8, 1.6, 0.4, -0.3);
    const after = groundUnder(viewOf(rig.goal), 1.6, 0.4, -0.3)!;
    expect([after.x, after.z]).toEqual([expect.closeTo(before.x), expect.closeTo(before.z)]);
  });

  it('does not leave the city', () => {
    const rig = new CameraRig(pose);
    rig.bounds = { minX: 0, maxX: 40, minZ: 0, maxZ: 40 };
    rig.pan(1e4, 1e4);
    expect(rig.goal.target.x).toBeGreaterThanOrEqual(0);
    expect(rig.goal.target.z).toBeLessThanOrEqual(40);
  });

  it('returns from the top view to the pitch it had', () => {
    const rig = new CameraRig(pose);
    rig.toggleTopDown();
    rig.orbit(0, -1);
    expect(rig.goal.pitch).toBeGreaterThan(1.5);
    rig.toggleTopDown();
    expect(rig.goal.pitch).toBe(pose.pitch);
  });

  it('flies to a kept view from above, and back to the pitch of before', () => {
    const rig = new CameraRig(pose);
    rig.flyTo({ ...pose, pitch: TOP_PITCH });
    expect(rig.isTopDown).toBe(true);
    rig.toggleTopDown();
    expect([rig.isTopDown, rig.goal.pitch]).toEqual([false, pose.pitch]);
  });

  it('looks at a point, but not beyond the city', () => {
    const rig = new CameraRig(pose);
    rig.bounds = { minX: 0, maxX: 40, minZ: 0, maxZ: 40 };
    rig.lookAt(12, 99);
    expect(rig.goal.target).toEqual({ x: 12, y: 0, z: 40 });
  });

  it('turns the short way round', () => {
    const rig = new CameraRig({ ...pose, yaw: 6 });
    rig.flyTo({ ...pose, yaw: 0 });
    expect(rig.goal.yaw).toBeCloseTo(2 * Math.PI);
  });

});
