/** A seeded fake fleet for looking at the dashboard without a backend. Development only; never part of dist. */

const DISTRICTS = ['payments', 'identity', 'catalog', 'delivery', 'search', 'media', 'ledger', 'edge', 'fraud', 'growth', 'support', 'analytics'];
const ROLES = ['api', 'gateway', 'worker', 'cache', 'queue', 'db', 'auth', 'search', 'sync', 'webhooks', 'scheduler', 'events', 'reports', 'export', 'quota', 'audit'];
export const STATUS = ['UNKNOWN', 'HEALTHY', 'DEGRADED', 'UNHEALTHY'];

export function seeded(seed) {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

export function createFleet(count, seed = 7) {
  const random = seeded(seed);
  const perDistrict = count <= 4 ? count : count <= 40 ? 6 : 13;
  const districtCount = Math.max(count === 0 ? 0 : 1, Math.ceil(count / perDistrict));
  const side = 4;
  // Blocks around the centre, nearest first, as the API's plan hands them out.
  const blocks = [];
  const reach = Math.max(4, Math.ceil(Math.sqrt(districtCount) / 2));
  for (let x = -reach; x <= reach; x++) for (let z = -reach; z <= reach; z++) blocks.push({ x, z });
  blocks.sort((a, b) => Math.hypot(a.x, a.z) - Math.hypot(b.x, b.z) || Math.atan2(a.z, a.x) - Math.atan2(b.z, b.x));
  const districts = [], services = [], numbers = [], edges = [];
  for (let d = 0; d < districtCount; d++) {
    const name = DISTRICTS[d % DISTRICTS.length] + (d >= DISTRICTS.length ? `-${Math.floor(d / DISTRICTS.length) + 1}` : '');
    const district = { name, x: blocks[d].x * (side + 2) - 2, z: blocks[d].z * (side + 2) - 2, width: side, depth: side };
    districts.push(district);
    // From the middle of the block outwards, as the API hands lots out.
    const fromMiddle = (i) => Math.max(Math.abs((i % side) - 1.5), Math.abs(Math.floor(i / side) - 1.5)) + random() * 0.5;
    const lots = Array.from({ length: side * side }, (_, i) => ({ i, at: fromMiddle(i) })).sort((a, b) => a.at - b.at).map(({ i }) => i);
    for (let i = 0; i < perDistrict && services.length < count; i++) {
      const slot = services.length;
      const service = { slot, id: `production/${name}-${ROLES[i % ROLES.length]}`, name: `${name}-${ROLES[i % ROLES.length]}`, environment: 'production', district: name, x: district.x + (lots[i] % side), z: district.z + Math.floor(lots[i] / side) };
      services.push(service);
      const centre = 1 - Math.min(1, Math.hypot(blocks[d].x, blocks[d].z) / 3);
      const u = random();
      const status = count <= 2 ? 1 : u > 0.965 ? 3 : u > 0.9 ? 2 : u > 0.87 ? 0 : 1;
      const rps = status === 0 ? 0 : 10 ** (random() * 3.4 - 0.4);
      numbers.push({
        pods: status === 0 ? 0 : 1 + Math.floor(random() * random() * 22 * (0.35 + centre)),
        base: rps, rps, status,
        error: status === 3 ? 0.12 + random() * 0.3 : status === 2 ? 0.02 + random() * 0.03 : random() * 0.004,
        p95: status === 2 ? 900 + random() * 900 : 20 + random() * 240,
        health: status === 0 ? 255 : status === 3 ? Math.round(15 + random() * 30) : status === 2 ? Math.round(55 + random() * 20) : Math.round(88 + random() * 12),
      });
    }
  }
  const connect = (from, to) => edges.push({ id: edges.length, from, to });
  const byDistrict = Map.groupBy ? Map.groupBy(services, (s) => s.district) : services.reduce((map, s) => map.set(s.district, [...(map.get(s.district) ?? []), s]), new Map());
  services.forEach((service, slot) => {
    if (service.name.endsWith('-api') || service.name.endsWith('-gateway')) connect(null, slot);
    const calls = 1 + Math.floor(random() * 2);
    for (let i = 0; i < calls; i++) {
      const near = byDistrict.get(service.district).filter((other) => other.slot !== slot);
      const target = random() < 0.7 && near.length ? near[Math.floor(random() * near.length)] : services[Math.floor(random() * services.length)];
      if (target && target.slot !== slot) connect(slot, target.slot);
    }
  });
  return { random, districts, services, numbers, edges };
}

/** Names nobody should choose, and loads nobody expects, on the first services. */
export function spoil(fleet) {
  const names = ['<img src=x onerror=alert(1)>', '\u202egnp.exe\u0007\u001b[31m', 'x'.repeat(10_000), '名前 🚀 été', '${7*7}{{7*7}}', ' ', "a'b\"c`d\\e"];
  names.forEach((name, slot) => {
    const service = fleet.services[slot];
    if (service) Object.assign(service, { name, id: `production/${name}` });
  });
  const busiest = fleet.numbers[names.length];
  if (busiest) Object.assign(busiest, { base: 1e6, rps: 1e6, pods: 4000, status: 1, health: 99 });
  for (const service of fleet.services.filter(({ district }) => district === fleet.districts[0]?.name)) service.district = '<b>district</b>';
  if (fleet.districts[0]) fleet.districts[0].name = '<b>district</b>';
}

export function step(fleet, seconds) {
  for (const n of fleet.numbers) n.rps = n.base * (1 + 0.18 * Math.sin(seconds * 0.7 + n.base) + (fleet.random() - 0.5) * 0.06);
}

export function tickFrame(fleet, time) {
  const buffer = Buffer.alloc(16 + 20 * fleet.services.length);
  buffer[0] = 1; buffer[1] = 1;
  buffer.writeUInt16LE(1, 2); buffer.writeUInt32LE(fleet.services.length, 4); buffer.writeDoubleLE(time, 8);
  fleet.services.forEach(({ slot }, i) => {
    const n = fleet.numbers[slot], at = 16 + 20 * i;
    buffer.writeUInt16LE(slot, at); buffer.writeUInt16LE(n.pods, at + 2);
    buffer.writeFloatLE(n.rps, at + 4); buffer.writeFloatLE(n.rps > 0 ? n.error : NaN, at + 8); buffer.writeFloatLE(n.rps > 0 ? n.p95 : NaN, at + 12);
    buffer[at + 16] = n.health; buffer[at + 17] = n.status;
  });
  return buffer;
}

/** Requests of the last `ms`, at most `limit` of them. */
export function requestsFrame(fleet, time, ms, limit, sample) {
  const wanted = fleet.edges.map((edge) => ((fleet.numbers[edge.to].rps / 3) * (ms / 1000)) / sample);
  const total = wanted.reduce((sum, n) => sum + n, 0);
  const share = Math.min(1, limit / Math.max(1, total));
  const entries = [];
  fleet.edges.forEach((edge, i) => {
    const n = fleet.numbers[edge.to], exact = wanted[i] * share;
    const count = Math.floor(exact) + (fleet.random() < exact % 1 ? 1 : 0);
    for (let k = 0; k < count; k++) entries.push({ edge: edge.id, offset: (time % 1000) + fleet.random() * ms, duration: n.p95 * (0.2 + fleet.random()), error: fleet.random() < n.error });
  });
  const buffer = Buffer.alloc(16 + 8 * entries.length);
  buffer[0] = 2; buffer[1] = 1;
  buffer.writeUInt16LE(sample, 2); buffer.writeUInt32LE(entries.length, 4); buffer.writeDoubleLE(Math.floor(time / 1000) * 1000, 8);
  entries.forEach((e, i) => {
    const at = 16 + 8 * i;
    buffer.writeUInt16LE(e.edge, at); buffer.writeUInt16LE(Math.min(999, Math.floor(e.offset)), at + 2);
    buffer.writeUInt16LE(Math.min(65535, Math.floor(e.duration)), at + 4); buffer.writeUInt16LE(e.error ? 1 : 0, at + 6);
  });
  return buffer;
}
