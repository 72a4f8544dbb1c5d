import { describe, expect, it } from 'vitest';
import { LOT } from './encoding';
import { BLOCK_PITCH, builtRects, cityRect, gateOf, Ground, HALF_AVENUE, rectRadius } from './plan';

const service = (x: number, z: number, district = 'd') => ({ slot: 0, id: 'p/a', name: 'a', environment: 'p', district, x, z });
const block = (x: number, z: number, name = 'd') => ({ name, x, z, width: 4, depth: 4 });

describe('the ground', () => {
  it('puts a building on the middle of its lot', () => {
    expect(new Ground([block(0, 0)]).centre({ x: 1, z: 2 })).toEqual({ x: 1.5 * LOT, z: 2.5 * LOT });
  });

  it('draws an avenue narrower than the lots it takes', () => {
    const ground = new Ground([block(-2, -2)]);
    const left = ground.rect(block(-2, -2)), right = ground.rect(block(4, -2));
    expect(right.minX - left.maxX).toBeCloseTo(2 * HALF_AVENUE);
    expect(right.minX - left.minX).toBeCloseTo(BLOCK_PITCH);
    expect(2 * HALF_AVENUE).toBeLessThan(2 * LOT);
  });

  it.each([[-8, 10], [4, -14], [-2, 4]])('moves no building when a district comes at %d, %d', (x, z) => {
    const lot = { x: -1, z: 0 };
    expect(new Ground([block(x, z), block(-2, -2)]).centre(lot)).toEqual(new Ground([block(-2, -2)]).centre(lot));
  });
});

describe('the city', () => {
  const ground = new Ground([block(0, 0)]);

  it('covers districts and buildings outside of any', () => {
    const rect = cityRect(ground, [block(0, 0)], [service(6, 1)]);
    expect(rect).toEqual({ minX: 0, maxX: BLOCK_PITCH + LOT, minZ: 0, maxZ: 4 * LOT });
  });

  it('has empty lots to show before the first service', () => {
    expect(rectRadius(cityRect(ground, [], []))).toBeGreaterThan(5);
  });

  it('is built on where its services stand, district by district', () => {
    expect(builtRects(ground, [service(1, 1), service(2, 1), service(7, 7, 'other')])).toEqual([
      { minX: LOT, maxX: 3 * LOT, minZ: LOT, maxZ: 2 * LOT },
      { minX: BLOCK_PITCH + LOT, maxX: BLOCK_PITCH + 2 * LOT, minZ: BLOCK_PITCH + LOT, maxZ: BLOCK_PITCH + 2 * LOT },
    ]);
  });
});

describe('the gate', () => {
  it.each([[1], [2], [5]])('stands outside a city of %d blocks in a row, on an avenue', (blocks) => {
    const districts = Array.from({ length: blocks }, (_, i) => block(i * 6, 0));
    const gate = gateOf(cityRect(new Ground(districts), districts, []));
    expect(gate.z).toBeLessThan(0);
    expect((gate.x + HALF_AVENUE) % BLOCK_PITCH).toBeCloseTo(0);
  });
});
