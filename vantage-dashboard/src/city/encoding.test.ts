import { describe, expect, it } from 'vitest';
import { flightSeconds, heightOf, loadOf, seedOf, spinOf, STATUS_RGB, widthOf } from './encoding';

describe('height', () => {
  it('gives a service without pods the height of one pod', () => {
    expect(heightOf(0)).toBe(heightOf(1));
    expect(heightOf(0)).toBeGreaterThan(1);
  });

  it('adds equal floors up to 16 pods', () => {
    expect(heightOf(8) - heightOf(7)).toBeCloseTo(heightOf(3) - heightOf(2));
    expect(heightOf(16) - heightOf(15)).toBeCloseTo(heightOf(3) - heightOf(2));
  });

  it('keeps growing above that, ever slower', () => {
    expect(heightOf(200)).toBeGreaterThan(heightOf(100));
    expect(heightOf(1000)).toBeLessThan(80);
  });
});

describe('load', () => {
  it.each([[0, 0], [NaN, 0], [0.1, 0], [1, 0.2], [10, 0.4], [100, 0.6], [1000, 0.8], [10_000, 1], [1e6, 1]])('%s rps → %s', (rps, load) => {
    expect(loadOf(rps)).toBeCloseTo(load);
  });

  it('spins not at all when idle, at most once a second, and faster with load', () => {
    expect(spinOf(0)).toBe(0);
    expect(spinOf(1)).toBeCloseTo(2 * Math.PI);
    expect(spinOf(0.5)).toBeGreaterThan(spinOf(0.4));
  });
});

describe('flight', () => {
  it('is slower for slow requests and stays between 0.9 and 4.5 seconds', () => {
    expect(flightSeconds(0)).toBeCloseTo(0.9);
    expect(flightSeconds(1000)).toBeGreaterThan(flightSeconds(50));
    expect(flightSeconds(65_535)).toBeCloseTo(4.5);
  });
});

describe('status colours', () => {
  const [unknown, healthy, degraded, unhealthy] = STATUS_RGB as [Rgb, Rgb, Rgb, Rgb];
  type Rgb = readonly [number, number, number];
  it('are cyan for healthy, amber for degraded, red for unhealthy, and dim without a hue for unknown', () => {
    expect(healthy[2]).toBeGreaterThan(healthy[1]);
    expect(healthy[1]).toBeGreaterThan(healthy[0]);
    expect(degraded[0]).toBeGreaterThan(degraded[1]);
    expect(degraded[1]).toBeGreaterThan(degraded[2]);
    expect(unhealthy[0]).toBeGreaterThan(5 * Math.max(unhealthy[1], unhealthy[2]));
    expect(Math.max(...unknown)).toBeLessThan(0.4);
  });
});

describe('seed', () => {
  it('is stable for an id and differs between ids', () => {
    expect(seedOf('production/checkout')).toBe(seedOf('production/checkout'));
    expect(seedOf('production/checkout')).not.toBe(seedOf('production/search'));
  });

  it('keeps a building on its lot', () => {
    expect(widthOf(0)).toBeGreaterThanOrEqual(2);
    expect(widthOf(1023)).toBeLessThan(2.7);
  });
});
