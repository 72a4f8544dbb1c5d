import { callPaths } from '../city/paths';
import type { Edge, ServiceRow } from '../world/model';
import { needsAttention, STATUS_BY_SEVERITY } from '../world/status';

/** Whom a service has to do with, for a panel that says it in words. Pure. */

export interface Neighbours {
  /** Those that call it, and those it calls; the worst first. */
  callers: readonly ServiceRow[];
  callees: readonly ServiceRow[];
  /** Requests from outside reach it directly. */
  isEntered: boolean;
  /** Others that calls reach it from, or that its calls reach, over any number of calls. */
  upstream: number;
  downstream: number;
  /** Where its trouble probably comes from, the likeliest first; empty where it is well, or all it calls is. */
  causes: readonly Cause[];
}

export interface Cause {
  row: ServiceRow;
  /** The services on the way there, without both ends. */
  via: readonly ServiceRow[];
}

export function neighboursOf(rowOf: (slot: number) => ServiceRow | undefined, edges: readonly Edge[], slot: number): Neighbours {
  const rows = (slots: readonly number[]) => [...new Set(slots)].filter((each) => each !== slot).flatMap((each) => rowOf(each) ?? []).sort(worstFirst);
  const { upstream, downstream } = callPaths(edges, slot);
  return {
    callers: rows(edges.flatMap(({ from, to }) => (to === slot && from !== null ? [from] : []))),
    callees: rows(edges.flatMap(({ from, to }) => (from === slot ? [to] : []))),
    isEntered: edges.some(({ from, to }) => from === null && to === slot),
    upstream: upstream.size,
    downstream: downstream.size,
    causes: causesOf(rowOf, edges, slot),
  };
}

const severity = (row: ServiceRow): number => STATUS_BY_SEVERITY.indexOf(row.status);

function worstFirst(a: ServiceRow, b: ServiceRow): number {
  return severity(a) - severity(b) || (a.health ?? 101) - (b.health ?? 101) || b.rps - a.rps || a.id.localeCompare(b.id);
}

/**
 * Trouble travels from who is called to who calls. It is followed the other way, from one unwell service to the next it
 * calls, to those that call no unwell one: there it begins.
 */
function causesOf(rowOf: (slot: number) => ServiceRow | undefined, edges: readonly Edge[], slot: number): Cause[] {
  const start = rowOf(slot);
  if (!start || !needsAttention(start.status)) return [];
  const ways = new Map<number, readonly ServiceRow[]>([[slot, []]]);
  const queue = [slot];
  const causes: Cause[] = [];
  for (let i = 0; i < queue.length; i++) {
    const at = queue[i]!, way = ways.get(at)!, row = rowOf(at)!;
    const unwell = edges.flatMap(({ from, to }) => (from === at && to !== at && needsAttention(rowOf(to)?.status ?? 0) ? [to] : []));
    if (unwell.length === 0 && at !== slot) causes.push({ row, via: way.slice(1) });
    for (const next of unwell) {
      if (ways.has(next)) continue;
      ways.set(next, [...way, row]);
      queue.push(next);
    }
  }
  return causes.sort((a, b) => worstFirst(a.row, b.row) || a.via.length - b.via.length);
}
