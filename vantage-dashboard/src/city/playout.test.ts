import { expect, it } from 'vitest';
import { flightSeconds } from './encoding';
import { PLAYOUT_MS, scheduleRequests } from './playout';
import { SpawnRing } from './spawnRing';

const requests = (offsets: number[]) => ({
  time: 1_000_000, sample: 1, edge: Uint16Array.from(offsets, () => 4), offsetMs: Uint16Array.from(offsets),
  durationMs: Uint16Array.from(offsets, () => 120), error: Uint8Array.from(offsets, (_, i) => i % 2),
});
const clock = (now: number) => ({ toLocal: (ms: number) => ms - 50_000, toCity: (ms: number) => (ms - 940_000) / 1000, now });

it('plays each request at its own moment of its second, on our clock', () => {
  const ring = new SpawnRing(8);
  scheduleRequests(ring, requests([0, 250, 999]), clock(0));
  const starts = [0, 1, 2].map((i) => ring.data[i * 4]!);
  [0, 250, 999].forEach((offset, i) => expect(starts[i]).toBeCloseTo(10 + (offset + PLAYOUT_MS) / 1000, 4));
  expect(ring.data[1]).toBeCloseTo(flightSeconds(120));
  expect([ring.data[2], ring.data[3], ring.data[7]]).toEqual([4, 0, 1]);
});

it('shows a late one where it would be by now', () => {
  const ring = new SpawnRing(8);
  scheduleRequests(ring, requests([0]), clock(10.9));
  expect(ring.data[0]).toBeCloseTo(10 + PLAYOUT_MS / 1000, 4);
});

it('leaves out one that has landed', () => {
  const ring = new SpawnRing(8);
  scheduleRequests(ring, requests([0, 250]), clock(60));
  expect(ring.takeDirty()).toEqual([]);
});
