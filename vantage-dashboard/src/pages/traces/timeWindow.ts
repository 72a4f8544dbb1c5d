/** A part of a trace's time, in milliseconds from its begin. Pure. */
export interface TimeWindow {
  from: number;
  to: number;
}

/** Below a thousandth of the trace, and below a microsecond, there is nothing to see. */
const LEAST_SHARE = 1e-4;
const LEAST_MS = 1e-3;

/** What `text` ("12.5-40") means within a trace of `total` ms; all of it where it means nothing. */
export function windowOf(text: string, total: number): TimeWindow {
  const found = /^(\d+(?:\.\d+)?)-(\d+(?:\.\d+)?)$/.exec(text);
  return found ? within({ from: Number(found[1]), to: Number(found[2]) }, total) : { from: 0, to: total };
}

/** '' for all of it. */
export function writeWindow({ from, to }: TimeWindow, total: number): string {
  return from <= 0 && to >= total ? '' : `${Number(from.toFixed(4))}-${Number(to.toFixed(4))}`;
}

/** The window moved into the trace, and not too small. */
export function within({ from, to }: TimeWindow, total: number): TimeWindow {
  const length = Math.min(total, Math.max(Math.abs(to - from), total * LEAST_SHARE, LEAST_MS));
  const begin = Math.max(0, Math.min(Math.min(from, to), total - length));
  return { from: begin, to: begin + length };
}

/** `factor` below 1 goes nearer; `at` (0 … 1 of the window) stays where it is. */
export function zoomed({ from, to }: TimeWindow, factor: number, total: number, at = 0.5): TimeWindow {
  const still = from + (to - from) * at, length = (to - from) * factor;
  return within({ from: still - length * at, to: still + length * (1 - at) }, total);
}

/** Moved by a share of its own length. */
export function moved({ from, to }: TimeWindow, share: number, total: number): TimeWindow {
  const by = (to - from) * share;
  return within({ from: from + by, to: to + by }, total);
}

export interface Placed {
  /** Per cent of the window; what lies outside is cut off. */
  left: number;
  width: number;
}

/** Where something lies in the window; null outside of it. */
export function placed(offset: number, duration: number, { from, to }: TimeWindow): Placed | null {
  if (offset > to || offset + duration < from) return null;
  const scale = 100 / (to - from);
  const left = Math.max(0, (offset - from) * scale), right = Math.min(100, (offset + duration - from) * scale);
  return { left, width: right - left };
}

/** Round instants in the window, about `count` of them. */
export function ticksOf({ from, to }: TimeWindow, count = 5): number[] {
  const rough = (to - from) / count, magnitude = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((times) => times * magnitude).find((each) => each >= rough) ?? rough;
  const ticks = [];
  for (let i = Math.ceil(from / step); i * step <= to; i++) ticks.push(i * step);
  return ticks;
}
