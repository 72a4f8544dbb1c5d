import { describe, expect, it } from 'vitest';
import type { District, Edge, ServiceEntry, TickColumns } from './model';
import { World } from './world';

const entry = (slot: number, name = `svc-${slot}`): ServiceEntry => ({
  slot, id: `production/${name}`, name, environment: 'production', district: 'shop', x: slot % 4, z: Math.floor(slot / 4),
});

const tick = (values: { slot: number; pods?: number; rps?: number; error?: number; status?: number; health?: number }[]): TickColumns => ({
  time: 1000,
  slot: Uint16Array.from(values, (v) => v.slot),
  pods: Uint16Array.from(values, (v) => v.pods ?? 1),
  rps: Float32Array.from(values, (v) => v.rps ?? 0),
  errorRatio: Float32Array.from(values, (v) => v.error ?? NaN),
  p95Ms: Float32Array.from(values, () => NaN),
  health: Uint8Array.from(values, (v) => v.health ?? 255),
  status: Uint8Array.from(values, (v) => v.status ?? 0),
});

const shop: District = { name: 'shop', x: 0, z: 0, width: 4, depth: 4 };

/** Everything a reader can see, in a comparable form. */
const seen = (world: World) => ({
  rows: world.rows().sort((a, b) => a.slot - b.slot),
  edges: [...world.edges.values()].sort((a, b) => a.id - b.id),
  districts: world.districts,
  slots: world.rows().map((row) => world.slotOf(row.id) === row.slot),
});

describe('World', () => {
  it('shows a registered service before its first tick as unknown, without numbers', () => {
    const world = new World();
    world.applyHello({ districts: [shop], services: [entry(0)], edges: [] });
    expect(world.row(0)).toMatchObject({ pods: 0, rps: 0, errorRatio: null, p95Ms: null, health: null, status: 0 });
  });

  it('takes numbers from a tick', () => {
    const world = new World();
    world.applyHello({ districts: [shop], services: [entry(0)], edges: [] });
    world.applyTick(tick([{ slot: 0, pods: 3, rps: 12.5, error: 0.25, status: 3, health: 40 }]));
    expect(world.row(0)).toMatchObject({ pods: 3, rps: 12.5, errorRatio: 0.25, health: 40, status: 3 });
  });

  it.each([
    ['the same numbers', 5, false],
    ['another number', 6, true],
  ])('a tick of %s makes news: %d, %s', (_, rps, isNews) => {
    const world = new World();
    world.applyHello({ districts: [shop], services: [entry(0)], edges: [] });
    world.applyTick(tick([{ slot: 0, rps: 5 }]));
    const before = world.tickVersion;
    world.applyTick(tick([{ slot: 0, rps }]));
    expect(world.tickVersion !== before).toBe(isNews);
  });

  it('ignores a tick entry of a slot that is not registered', () => {
    const world = new World();
    world.applyTick(tick([{ slot: 7, rps: 5 }]));
    expect(world.rows()).toEqual([]);
  });

  it('does not hand the numbers of a removed service to the next owner of its slot', () => {
    const world = new World();
    world.applyHello({ districts: [shop], services: [entry(0, 'old')], edges: [] });
    world.applyTick(tick([{ slot: 0, rps: 99 }]));
    world.applyRegistry({ districts: [shop], services: { remove: [0], upsert: [entry(0, 'new')] }, edges: { remove: [], upsert: [] } });
    expect(world.row(0)).toMatchObject({ id: 'production/new', rps: 0 });
    expect(world.slotOf('production/old')).toBeUndefined();
  });

  it('keeps the numbers of services that are still there after a reconnect', () => {
    const world = new World();
    world.applyHello({ districts: [shop], services: [entry(0), entry(1)], edges: [] });
    world.applyTick(tick([{ slot: 0, rps: 5 }, { slot: 1, rps: 6 }]));
    world.applyHello({ districts: [shop], services: [entry(0)], edges: [] });
    expect(world.rows().map((row) => [row.id, row.rps])).toEqual([['production/svc-0', 5]]);
  });

  it('grows with the highest slot', () => {
    const world = new World();
    world.applyHello({ districts: [shop], services: [entry(900)], edges: [] });
    world.applyTick(tick([{ slot: 900, rps: 1 }]));
    expect(world.row(900)?.rps).toBe(1);
    expect(world.slotCount).toBe(901);
  });

  it('ends in the same state from deltas as from one hello, whatever the deltas', () => {
    for (let seed = 1; seed <= 200; seed++) {
      const random = lcg(seed);
      const pick = (n: number) => Math.floor(random() * n);
      const truth = { services: new Map<number, ServiceEntry>(), edges: new Map<number, Edge>(), numbers: new Map<number, number>() };
      const live = new World();
      live.applyHello({ districts: [], services: [], edges: [] });
      for (let step = 0; step < 30; step++) {
        const upsert: ServiceEntry[] = [], remove: number[] = [];
        for (let i = pick(4); i > 0; i--) {
          const slot = pick(100);
          if (truth.services.has(slot)) { if (!upsert.some((e) => e.slot === slot)) { remove.push(slot); truth.services.delete(slot); truth.numbers.delete(slot); } }
          else { const e = entry(slot, `s${seed}-${step}-${slot}`); upsert.push(e); truth.services.set(slot, e); }
        }
        const removedEdges = [...truth.edges.keys()].filter(() => random() < 0.2);
        removedEdges.forEach((id) => truth.edges.delete(id));
        const edge: Edge = { id: pick(50), from: random() < 0.3 ? null : pick(100), to: pick(100) };
        truth.edges.set(edge.id, edge);
        live.applyRegistry({ districts: [shop], services: { upsert, remove }, edges: { upsert: [edge], remove: removedEdges } });
        const numbers = [...truth.services.keys()].map((slot) => ({ slot, rps: pick(1000) }));
        numbers.forEach(({ slot, rps }) => truth.numbers.set(slot, rps));
        live.applyTick(tick(numbers));
      }
      const rebuilt = new World();
      rebuilt.applyHello({ districts: [shop], services: [...truth.services.values()], edges: [...truth.edges.values()] });
      rebuilt.applyTick(tick([...truth.numbers].map(([slot, rps]) => ({ slot, rps }))));
      expect(seen(live)).toEqual(seen(rebuilt));
    }
  });
});

function lcg(seed: number): () => number {
  let state = seed >>> 0;
  return () => (state = (Math.imul(state, 1664525) + 1013904223) >>> 0) / 2 ** 32;
}

it('becomes another world, and keeps what stands in both where it is', () => {
  const now = new World(), then = new World();
  const service = (id: string, slot: number) => ({ slot, id, name: id, environment: 'p', district: 'd', x: 0, z: 0 });
  now.applyHello({ districts: [], services: [service('a', 0), service('b', 1)], edges: [{ id: 0, from: null, to: 0 }] });
  then.applyHello({ districts: [], services: [service('b', 1), service('c', 130)], edges: [] });
  then.applyTick({ time: 7, slot: Uint16Array.of(1, 130), pods: Uint16Array.of(2, 3), rps: Float32Array.of(1, 1), errorRatio: Float32Array.of(0, 0), p95Ms: Float32Array.of(1, 1), health: Uint8Array.of(9, 9), status: Uint8Array.of(3, 1) });
  now.become(then);
  expect(now.rows().sort((x, y) => x.slot - y.slot)).toEqual(then.rows().sort((x, y) => x.slot - y.slot));
  expect([now.slotOf('a'), now.slotOf('b'), now.edges.size, now.tickTime]).toEqual([undefined, 1, 0, 7]);
});
