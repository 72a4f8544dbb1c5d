import { expect, it } from 'vitest';
import { MAX_PARTICLES_PER_SECOND, sampleOf, synthesize, type FlowNow } from './traffic';

const flow = (id: number, rps: number, errorRatio = 0): FlowNow => ({ id, from: null, to: 0, rps, errorRatio, p95Ms: 100 });

/** Always the same numbers between 0 and 1 (Park and Miller's generator). */
function seeded(seed = 42): () => number {
  let state = seed;
  return () => (state = (state * 16_807) % 2_147_483_647) / 2_147_483_647;
}

it('makes as many requests as were counted, in the long run', () => {
  const random = seeded();
  let made = 0, failed = 0;
  for (let batch = 0; batch < 1000; batch++) {
    const { edge, error } = synthesize([flow(3, 12.5, 0.2)], { time: 0, lengthMs: 100, speed: 2, sample: 1, random });
    expect([...edge].every((id) => id === 3)).toBe(true);
    made += edge.length;
    failed += error.reduce((sum, each) => sum + each, 0);
  }
  expect(made / 100).toBeCloseTo(25, 0);
  expect(failed / made).toBeCloseTo(0.2, 1);
});

it('lets a particle stand for several where there are too many', () => {
  expect(sampleOf([flow(0, 5)], 1)).toBe(1);
  const sample = sampleOf([flow(0, 1e4), flow(1, 2e4)], 60);
  expect((3e4 * 60) / sample).toBeLessThanOrEqual(MAX_PARTICLES_PER_SECOND);
  expect(synthesize([flow(0, 1e4)], { time: 0, lengthMs: 1000, speed: 60, sample, random: seeded() }).edge.length).toBeLessThanOrEqual(MAX_PARTICLES_PER_SECOND);
});

it('stays within its time', () => {
  const { offsetMs, durationMs } = synthesize([flow(0, 1000)], { time: 0, lengthMs: 100, speed: 1, sample: 1, random: seeded() });
  expect(offsetMs.every((offset) => offset < 100)).toBe(true);
  expect(durationMs.every((duration) => duration > 0 && duration <= 100)).toBe(true);
});
