/** A graph of calls in layers from left to right: callers before callees. Deterministic. Pure. */

export interface Call {
  caller: string;
  callee: string;
}

export interface Point {
  x: number;
  y: number;
}

export interface Layout {
  nodes: Map<string, Point>;
  /** Points that each call's line passes through, from the caller's side to the callee's; in the order of the calls. */
  lines: Point[][];
  width: number;
  height: number;
}

export const NODE_WIDTH = 184;
export const NODE_HEIGHT = 50;
const LAYER_GAP = 84;
const NODE_GAP = 16;
/** Of a line that passes between the nodes of a layer. */
const LANE_HEIGHT = 8;
const LANE_GAP = 8;
const SWEEPS = 8;

/** `ids` first come first in a layer, where nothing else decides. Calls between unknown ids are left out. */
export function layered(ids: readonly string[], calls: readonly Call[]): Layout {
  const known = new Set(ids);
  const real = calls.filter(({ caller, callee }) => known.has(caller) && known.has(callee) && caller !== callee);
  const layers = layersOf(ids, withoutCycles(ids, real));
  const slots = slotsOf(ids, real, layers);
  const neighbours = neighboursOf(slots.chains);
  for (let sweep = 0; sweep < SWEEPS; sweep++) orderOnce(slots.layers, neighbours, sweep % 2 === 0);
  return draw(slots, calls, real);
}

/** The calls, those turned round that would lead in a circle. */
function withoutCycles(ids: readonly string[], calls: readonly Call[]): Call[] {
  const out = groupBy(calls, ({ caller }) => caller);
  const state = new Map<string, 'open' | 'done'>();
  const acyclic: Call[] = [];
  const called = new Set(calls.map(({ callee }) => callee));
  // Begin where nobody calls: the entries of the system are its left side.
  for (const start of [...ids.filter((id) => !called.has(id)), ...ids]) {
    const stack: { id: string; next: number }[] = state.has(start) ? [] : [{ id: start, next: 0 }];
    if (stack.length > 0) state.set(start, 'open');
    while (stack.length > 0) {
      const top = stack.at(-1)!, call = out.get(top.id)?.[top.next++];
      if (call === undefined) {
        state.set(top.id, 'done');
        stack.pop();
      } else if (state.get(call.callee) === 'open') acyclic.push({ caller: call.callee, callee: call.caller });
      else {
        acyclic.push(call);
        if (!state.has(call.callee)) {
          state.set(call.callee, 'open');
          stack.push({ id: call.callee, next: 0 });
        }
      }
    }
  }
  return acyclic;
}

/** The layer of each node: one more than that of its furthest caller. */
function layersOf(ids: readonly string[], calls: readonly Call[]): Map<string, number> {
  const callers = new Map<string, number>(ids.map((id) => [id, 0]));
  for (const { callee } of calls) callers.set(callee, callers.get(callee)! + 1);
  const out = groupBy(calls, ({ caller }) => caller);
  const layers = new Map<string, number>(ids.map((id) => [id, 0]));
  const ready = ids.filter((id) => callers.get(id) === 0);
  for (let id = ready.shift(); id !== undefined; id = ready.shift()) {
    for (const { callee } of out.get(id) ?? []) {
      layers.set(callee, Math.max(layers.get(callee)!, layers.get(id)! + 1));
      callers.set(callee, callers.get(callee)! - 1);
      if (callers.get(callee) === 0) ready.push(callee);
    }
  }
  return layers;
}

interface Slots {
  /** Ids of nodes, and of the lanes of lines that pass, from top to bottom. */
  layers: string[][];
  /** What each real call passes through, by layer, both ends included. */
  chains: string[][];
}

const LANE = '\n';

function slotsOf(ids: readonly string[], calls: readonly Call[], layerOf: ReadonlyMap<string, number>): Slots {
  const layers: string[][] = Array.from({ length: Math.max(0, ...layerOf.values()) + 1 }, () => []);
  for (const id of ids) layers[layerOf.get(id)!]!.push(id);
  const chains = calls.map(({ caller, callee }, i) => {
    const from = layerOf.get(caller)!, to = layerOf.get(callee)!, step = Math.sign(to - from);
    const chain = [caller];
    for (let layer = from + step; step !== 0 && layer !== to; layer += step) {
      const lane = `${LANE}${i}/${layer}`;
      layers[layer]!.push(lane);
      chain.push(lane);
    }
    return [...chain, callee];
  });
  return { layers, chains };
}

function neighboursOf(chains: readonly string[][]): Map<string, string[]> {
  const neighbours = new Map<string, string[]>();
  const add = (of: string, other: string) => {
    const known = neighbours.get(of);
    if (known) known.push(other);
    else neighbours.set(of, [other]);
  };
  for (const chain of chains)
    for (let i = 1; i < chain.length; i++) {
      add(chain[i - 1]!, chain[i]!);
      add(chain[i]!, chain[i - 1]!);
    }
  return neighbours;
}

/** Puts every slot near the middle of what it hangs on in the layer before (Sugiyama's barycentre). */
function orderOnce(layers: string[][], neighbours: ReadonlyMap<string, string[]>, isForward: boolean): void {
  const order = isForward ? layers.keys() : [...layers.keys()].reverse();
  for (const layer of order) {
    const beside = layers[isForward ? layer - 1 : layer + 1];
    if (!beside) continue;
    // Places as shares of the layer: a short layer beside a long one is not all at its top.
    const place = new Map(beside.map((id, i) => [id, (i + 0.5) / beside.length]));
    const own = layers[layer]!;
    const middle = new Map(own.map((id, i) => {
      const known = (neighbours.get(id) ?? []).flatMap((other) => place.get(other) ?? []);
      return [id, known.length === 0 ? (i + 0.5) / own.length : known.reduce((a, b) => a + b) / known.length] as const;
    }));
    own.sort((a, b) => middle.get(a)! - middle.get(b)!);
  }
}

function draw({ layers, chains }: Slots, calls: readonly Call[], real: readonly Call[]): Layout {
  const heightOf = (id: string) => (id.startsWith(LANE) ? LANE_HEIGHT : NODE_HEIGHT);
  const gapAfter = (layer: readonly string[], i: number) => (i + 1 >= layer.length ? 0 : layer[i]!.startsWith(LANE) || layer[i + 1]!.startsWith(LANE) ? LANE_GAP : NODE_GAP);
  const heights = layers.map((layer) => layer.reduce((sum, id, i) => sum + heightOf(id) + gapAfter(layer, i), 0));
  const height = Math.max(0, ...heights);
  const middles = new Map<string, Point>();
  layers.forEach((layer, column) => {
    let y = (height - heights[column]!) / 2;
    for (const [i, id] of layer.entries()) {
      middles.set(id, { x: column * (NODE_WIDTH + LAYER_GAP) + NODE_WIDTH / 2, y: y + heightOf(id) / 2 });
      y += heightOf(id) + gapAfter(layer, i);
    }
  });
  const lineOf = new Map(real.map((call, i) => [call, chains[i]!]));
  return {
    nodes: new Map([...middles].filter(([id]) => !id.startsWith(LANE)).map(([id, { x, y }]) => [id, { x: x - NODE_WIDTH / 2, y: y - NODE_HEIGHT / 2 }])),
    lines: calls.map((call) => through((lineOf.get(call) ?? []).map((id) => middles.get(id)!))),
    width: layers.length * (NODE_WIDTH + LAYER_GAP) - LAYER_GAP,
    height,
  };
}

/** From the edge of the first to the edge of the last. */
function through(middles: readonly Point[]): Point[] {
  const first = middles[0], last = middles.at(-1);
  if (!first || !last) return [];
  const forward = Math.sign(last.x - first.x) || 1;
  // Two of one layer: out on the right and back in on the right.
  const lastSide = last.x === first.x ? 1 : -forward;
  const half = NODE_WIDTH / 2;
  return [{ x: first.x + forward * half, y: first.y }, ...middles.slice(1, -1), { x: last.x + lastSide * half, y: last.y }];
}

/** A smooth path through the points, level at each of them. */
export function pathThrough(points: readonly Point[]): string {
  return points
    .map((point, i) => {
      const before = points[i - 1];
      if (!before) return `M${point.x},${point.y}`;
      const bend = before.x === point.x ? LAYER_GAP / 2 : (point.x - before.x) / 2;
      const back = before.x === point.x ? LAYER_GAP / 2 : -bend;
      return `C${before.x + bend},${before.y} ${point.x + back},${point.y} ${point.x},${point.y}`;
    })
    .join('');
}

function groupBy<T>(items: readonly T[], keyOf: (item: T) => string): Map<string, T[]> {
  const groups = new Map<string, T[]>();
  for (const item of items) {
    const key = keyOf(item);
    const group = groups.get(key);
    if (group) group.push(item);
    else groups.set(key, [item]);
  }
  return groups;
}
