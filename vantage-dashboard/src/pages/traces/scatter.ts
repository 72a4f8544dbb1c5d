import type { Api } from '../../api/types';

/** Traces as dots: when they began against how long they took, the latter by its logarithm. Pure. */

export type Found = Api<'TraceSummary'>;

export interface Dot {
  trace: Found;
  x: number;
  y: number;
}

export interface Plot {
  dots: Dot[];
  /** Durations with a line of their own, and where it is. */
  lines: { ms: number; y: number }[];
}

export interface Frame {
  start: number;
  end: number;
  width: number;
  height: number;
}

const FLOOR_MS = 0.01;

export function plot(traces: readonly Found[], { start, end, width, height }: Frame): Plot {
  const inside = traces.filter((trace) => trace.start >= start && trace.start <= end);
  const durations = inside.map((trace) => Math.max(trace.duration, FLOOR_MS));
  const low = Math.floor(Math.log10(Math.min(...durations, 1e6))), high = Math.max(low + 1, Math.ceil(Math.log10(Math.max(...durations, FLOOR_MS))));
  const y = (ms: number) => height - ((Math.log10(Math.max(ms, FLOOR_MS)) - low) / (high - low)) * height;
  const dots = inside
    .map((trace) => ({ trace, x: ((trace.start - start) / (end - start)) * width, y: y(trace.duration) }))
    .sort((a, b) => a.x - b.x);
  const lines = inside.length === 0 ? [] : Array.from({ length: high - low + 1 }, (_, i) => 10 ** (low + i)).map((ms) => ({ ms, y: y(ms) }));
  return { dots, lines };
}

/** One of each trace. */
export function joined(...lists: readonly (readonly Found[])[]): Found[] {
  return [...new Map(lists.flat().map((trace) => [trace.trace_id, trace])).values()];
}

/** The instants that two places of the plot stand for, in order. */
export function spanBetween(x1: number, x2: number, { start, end, width }: Frame): { start: number; end: number } {
  const at = (x: number) => Math.round(start + (Math.max(0, Math.min(width, x)) / width) * (end - start));
  const [from, to] = [at(Math.min(x1, x2)), at(Math.max(x1, x2))];
  return { start: from, end: Math.max(to, from + 1) };
}

/** Index of the dot next to a place, or -1 when none is within reach. */
export function nearest(dots: readonly Dot[], x: number, y: number, reach: number): number {
  let best = -1, least = reach ** 2;
  dots.forEach((dot, i) => {
    const distance = (dot.x - x) ** 2 + (dot.y - y) ** 2;
    if (distance <= least) [best, least] = [i, distance];
  });
  return best;
}
