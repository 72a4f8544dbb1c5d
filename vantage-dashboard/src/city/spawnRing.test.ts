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

  it('knows which records still fly, in order of their spawn', () => {
    const ring = new SpawnRing(8);
    spawn(ring, 6); // lands at 1, 2, … 6
    expect(ring.live(0)).toEqual([[0, 6], [0, 0]]);
    expect(ring.live(3.5)).toEqual([[3, 3], [0, 0]]);
    expect(ring.alive(3.5)).toBe(1);
    ring.spawn(4, 9, 7, false);
    spawn(ring, 3);
    expect(ring.live(4.5)).toEqual([[4, 4], [0, 2]]);
    expect(ring.live(99).map(([, count]) => count)).toEqual([0, 0]);
  });

  it('draws no more than it holds when it is overrun', () => {
    const ring = new SpawnRing(8);
    spawn(ring, 30);
    expect(ring.live(0).reduce((sum, [, count]) => sum + count, 0)).toBe(8);
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
