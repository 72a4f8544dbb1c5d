import type { Api } from '../../api/types';

/** Intervals on a common axis, as shares of its width. Pure. */

export interface Estimate {
  name: string;
  /** Positive where the candidate is better. */
  value: number;
  low: number | null;
  high: number | null;
}

export interface Placed {
  at: number;
  from: number | null;
  to: number | null;
  /** An end lies beyond the axis. */
  isCut: boolean;
}

/** The differences that the answer holds, in percent of the baseline. */
export function estimatesOf({ tested, percentiles }: Pick<Api<'Comparison'>, 'tested' | 'percentiles'>): Estimate[] {
  const mean = tested ? [{ name: tested.quantity === 'ratio of geometric means' ? 'Geometric mean' : 'Mean', value: tested.improvement_pct, low: tested.low_pct, high: tested.high_pct }] : [];
  const others = Object.entries(percentiles).map(([name, { improvement_pct, low_pct, high_pct }]) => ({ name, value: improvement_pct, low: low_pct, high: high_pct }));
  return [...mean, ...others];
}

const STEPS = [2, 5, 10, 20, 50, 100, 200, 500];
const MOST = STEPS.at(-1)!;

/** How far a symmetric axis reaches to either side. One very wide interval must not make points of all the others. */
export function reachOf(estimates: readonly Estimate[], steps: readonly number[] = STEPS): number {
  const furthest = Math.max(0, ...estimates.map(({ value }) => Math.abs(value)));
  const ends = Math.max(0, ...estimates.flatMap(({ low, high }) => [Math.abs(low ?? 0), Math.abs(high ?? 0)]));
  const widest = Math.max(furthest, Math.min(ends, 3 * Math.max(furthest, steps[0] ?? 0)));
  return steps.find((step) => step >= widest) ?? steps.at(-1) ?? MOST;
}

export function placed({ value, low, high }: Estimate, reach: number): Placed {
  const share = (of: number) => Math.min(1, Math.max(0, (of + reach) / (2 * reach)));
  const isCut = [value, low, high].some((each) => each !== null && Math.abs(each) > reach);
  return { at: share(value), from: low === null ? null : share(low), to: high === null ? null : share(high), isCut };
}
