import { describe, expect, it } from 'vitest';
import { cityRect, gateOf, lotCentre, rectRadius } from './plan';

const service = (x: number, z: number) => ({ slot: 0, id: 'p/a', name: 'a', environment: 'p', district: 'd', x, z });

describe('the plan', () => {
  it('puts a building on the middle of its lot', () => {
    expect(lotCentre({ x: 1, z: 2 })).toEqual({ x: 6, z: 10 });
  });

  it('covers districts and buildings outside of any', () => {
    const rect = cityRect([{ name: 'd', x: 0, z: 0, width: 4, depth: 4 }], [service(6, 1)]);
    expect(rect).toEqual({ minX: 0, maxX: 28, minZ: 0, maxZ: 16 });
  });

  it('has empty lots to show before the first service', () => {
    expect(rectRadius(cityRect([], []))).toBeGreaterThan(5);
  });

  it('places the gate outside the city', () => {
    const rect = cityRect([{ name: 'd', x: 0, z: 0, width: 4, depth: 4 }], []);
    const gate = gateOf(rect);
    expect(gate.z + gate.radius).toBeLessThan(rect.minZ);
    expect(gate.x).toBe(8);
  });
});
