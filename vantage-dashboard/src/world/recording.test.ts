import { describe, expect, it } from 'vitest';
import type { ServiceEntry, TickColumns } from './model';
import { BLANK_MS, CHUNK_MS, chunkAt, LATE_MS, placed, Recording, stepAt, wantedChunks, type RecordedPage } from './recording';

const NOW = 1_800_000_000_000;
const START = Math.floor((NOW - 10 * CHUNK_MS) / CHUNK_MS) * CHUNK_MS;

const tick = (time: number): TickColumns => ({
  time, slot: new Uint16Array(), pods: new Uint16Array(), rps: new Float32Array(), errorRatio: new Float32Array(), p95Ms: new Float32Array(), health: new Uint8Array(), status: new Uint8Array(),
});
const service: ServiceEntry = { slot: 0, id: 'p/a', name: 'a', environment: 'p', district: 'd', x: 0, z: 0 };
const page = (start: number, frames: number, stepMs = 10_000): RecordedPage => ({ stepMs, districts: [], services: [service], frames: Array.from({ length: frames }, (_, i) => tick(start + i * stepMs)) });

describe('frameAt', () => {
  const recording = new Recording();
  recording.add(chunkAt(START, NOW), [page(START, 10), page(START + 100_000, 10)], NOW);

  it.each([
    [START - 1, null],
    [START, START],
    [START + 9_999, START],
    [START + 10_000, START + 10_000],
    [START + 123_456, START + 120_000],
    // A frame stands for the step after it and a late next one, not for ever.
    [START + 205_000, START + 190_000],
    [START + 210_000, null],
  ])('%i → %s', (at, time) => {
    expect(recording.frameAt(at)?.tick.time ?? null).toBe(time);
  });

  it('takes coarse frames where there are no fine ones', () => {
    const rough = new Recording();
    rough.setOverview([page(START, 60, 60_000)]);
    expect(rough.frameAt(START + 150_000)?.tick.time).toBe(START + 120_000);
    rough.add(chunkAt(START, NOW), [page(START, 60)], NOW);
    expect(rough.frameAt(START + 150_000)?.tick.time).toBe(START + 150_000);
  });
});

describe('what is fetched', () => {
  it('keeps a chunk that is over, and asks again for one that was still going on', () => {
    const recording = new Recording();
    const chunk = chunkAt(START, NOW);
    recording.add(chunk, [page(START, 60)], chunk.end + LATE_MS);
    expect(recording.has(chunk, NOW)).toBe(true);
    recording.add(chunk, [page(START, 6)], chunk.start + 60_000);
    expect(recording.has(chunk, chunk.start + 65_000)).toBe(true);
    expect(recording.has(chunk, chunk.start + 90_000)).toBe(false);
  });

  it.each([[[]], [[{ ...page(START, 60), services: [] }]]])('asks again for one in which nothing was: %j', (pages) => {
    const recording = new Recording();
    const chunk = chunkAt(START, NOW);
    recording.add(chunk, pages, NOW);
    expect(recording.has(chunk, NOW + BLANK_MS - 1)).toBe(true);
    expect(recording.has(chunk, NOW + BLANK_MS)).toBe(false);
  });

  it('forgets the oldest', () => {
    const recording = new Recording();
    for (let i = 0; i < 20; i++) recording.add(chunkAt(START + i * CHUNK_MS, NOW), [page(START + i * CHUNK_MS, 1)], NOW);
    expect(recording.frameAt(START)).toBeNull();
    expect(recording.frameAt(START + 19 * CHUNK_MS)).not.toBeNull();
  });

  it.each([
    ['paused', START + 1, 60, false, 1],
    ['slowly', START + 1, 1, true, 1],
    ['near the end of a chunk', START + CHUNK_MS - 1, 1, true, 2],
    ['fast', START + 1, 60, true, 3],
  ])('%s: so many chunks', (_, at, speed, playing, count) => {
    expect(wantedChunks(at, speed, playing, NOW)).toHaveLength(count);
  });

  it('asks for nothing of the future', () => {
    expect(wantedChunks(NOW - 1000, 60, true, NOW)).toHaveLength(1);
  });

  it('is coarser where only minutes are kept', () => {
    expect([stepAt(NOW - 6 * 86_400_000, NOW), stepAt(NOW - 8 * 86_400_000, NOW)]).toEqual([10_000, 60_000]);
  });
});

it('services keep the slots of the world they come into; others get free ones', () => {
  const service = (id: string, slot: number): ServiceEntry => ({ id, slot, name: id, environment: 'p', district: 'd', x: 0, z: 0 });
  const known = new Map([['b', 0], ['c', 7]]);
  expect(placed([service('a', 7), service('b', 1), service('c', 2), service('d', 0)], (id) => known.get(id)).map(({ id, slot }) => `${id}${slot}`)).toEqual(['a1', 'b0', 'c7', 'd2']);
});
