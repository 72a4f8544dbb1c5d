import type { Edge } from '../world/model';

/** Who calls a service, directly or through others, and whom it calls: the graph without a picture. */

export interface CallPaths {
  /** Slots from which calls reach the service, and over how many calls at least. */
  upstream: ReadonlyMap<number, number>;
  /** Slots that its calls reach, and over how many calls at least. */
  downstream: ReadonlyMap<number, number>;
  /** Requests from outside reach it, over this many calls at least; null when they do not. */
  ingressHops: number | null;
}

/** A ring of calls puts a service on both sides; the service itself is on neither. */
export function callPaths(edges: Iterable<Edge>, slot: number): CallPaths {
  const callers = new Map<number, number[]>(), callees = new Map<number, number[]>();
  const doors = new Set<number>();
  for (const { from, to } of edges) {
    if (from === null) {
      doors.add(to);
      continue;
    }
    append(callees, from, to);
    append(callers, to, from);
  }
  const upstream = reach(callers, slot);
  const entered = [[slot, 0] as const, ...upstream].filter(([caller]) => doors.has(caller)).map(([, hops]) => hops + 1);
  return { upstream, downstream: reach(callees, slot), ingressHops: entered.length > 0 ? Math.min(...entered) : null };
}

/** What an edge is to the service: 0 nothing, below 0 on the way to it, above 0 on the way from it; nearer calls weigh more. */
export function edgeWeight({ from, to }: Edge, slot: number, { upstream, downstream }: CallPaths): number {
  const hopsFrom = from === slot ? 0 : from === null ? undefined : downstream.get(from);
  if (hopsFrom !== undefined && downstream.has(to)) return weight(hopsFrom);
  const hopsTo = to === slot ? 0 : upstream.get(to);
  return hopsTo !== undefined && (from === null || upstream.has(from)) ? -weight(hopsTo) : 0;
}

const FAINTEST = 0.07;

/** Half as strong with each call in between: far from the service, almost everything calls everything. */
const weight = (hops: number): number => Math.max(FAINTEST, 2 ** -hops);

function append(lists: Map<number, number[]>, key: number, value: number): void {
  const list = lists.get(key);
  if (list) list.push(value);
  else lists.set(key, [value]);
}

/** Breadth first, so the first way found is the shortest. */
function reach(next: ReadonlyMap<number, readonly number[]>, start: number): Map<number, number> {
  const hops = new Map<number, number>([[start, 0]]);
  const queue = [start];
  for (let i = 0; i < queue.length; i++) {
    const at = queue[i]!;
    for (const to of next.get(at) ?? []) {
      if (hops.has(to)) continue;
      hops.set(to, hops.get(at)! + 1);
      queue.push(to);
    }
  }
  hops.delete(start);
  return hops;
}
