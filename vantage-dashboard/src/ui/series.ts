/** Series of a chart, and what is worked out of them. Pure. */

export interface Series {
  key: string;
  name: string;
  /** [epoch ms, value], by time; null where nothing is known. */
  points: readonly (readonly [number, number | null])[];
}

export type ChartRow = { time: number } & Record<string, number | null>;

/** One row a time at which any series has a point. */
export function rowsOf(series: readonly Series[]): ChartRow[] {
  const rows = new Map<number, ChartRow>();
  for (const { key, points } of series)
    for (const [time, value] of points) {
      const row = rows.get(time) ?? { time };
      row[key] = value;
      rows.set(time, row);
    }
  return [...rows.values()].sort((a, b) => a.time - b.time);
}

export const SERIES_COLORS = 8;

/** Colours come round again after eight: names and the legend tell series apart then. */
export const seriesColor = (index: number): string => `var(--series-${(index % SERIES_COLORS) + 1})`;

const STEPS_MS = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10_800, 21_600, 43_200, 86_400, 172_800, 604_800].map((s) => s * 1000);
const MAX_TICKS = 7;

/** Round instants of the local clock between two times, at most seven. */
export function timeTicks(start: number, end: number, zoneOffsetMs = new Date(end).getTimezoneOffset() * 60_000): number[] {
  const step = STEPS_MS.find((each) => (end - start) / each <= MAX_TICKS) ?? Math.ceil((end - start) / MAX_TICKS);
  const ticks = [];
  for (let tick = Math.ceil((start - zoneOffsetMs) / step) * step + zoneOffsetMs; tick <= end && ticks.length < MAX_TICKS; tick += step) ticks.push(tick);
  return ticks;
}
