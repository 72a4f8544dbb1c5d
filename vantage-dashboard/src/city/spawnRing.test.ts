import { describe, expect, it } from 'vitest';
import { SpawnRing } from './spawnRing';

const spawn = (ring: SpawnRing, n: number) => {
  for (let i = 0; i < n; i++) ring.spawn(i, 1, 7, false);
};

describe('SpawnRing', () => {
  it('writes a record once', () => {
    const ring = new SpawnRing(8);
    ring.spawn(1.5, 2, 3, true);
    expect([...ring.data.subarray(0, 4)]).toEqual([1.5, 2, 3, 1]);
    expect(ring.takeDirty()).toEqual([[0, 1]]);
    expect(ring.takeDirty()).toEqual([]);
  });

  it('uploads two ranges when it wraps', () => {
    const ring = new SpawnRing(8);
    spawn(ring, 6);
    ring.takeDirty();
    spawn(ring, 4);
    expect(ring.takeDirty()).toEqual([[6, 2], [0, 2]]);
  });

  it('covers the whole ring once when more came than it holds', () => {
    const ring = new SpawnRing(8);
    spawn(ring, 21);
    expect(ring.takeDirty().reduce((sum, [, count]) => sum + count, 0)).toBe(8);
  });

  it('knows when the air is clear', () => {
    const ring = new SpawnRing(8);
    ring.spawn(10, 4, 0, false);
    ring.spawn(11, 1, 0, false);
    expect(ring.lastLanding).toBe(14);
  });

  it('moves every start when city time is shifted', () => {
    const ring = new SpawnRing(2);
    ring.spawn(1000, 1, 0, false);
    ring.shiftTime(900);
    expect(ring.data[0]).toBe(100);
    expect(ring.lastLanding).toBe(101);
    expect(ring.takeDirty().reduce((sum, [, count]) => sum + count, 0)).toBe(2);
  });
});
