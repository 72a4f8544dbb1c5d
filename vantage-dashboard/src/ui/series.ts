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

/** Colours come round again after eight: dashes, names and the legend tell series apart then. */
export const seriesColor = (index: number): string => `var(--series-${(index % SERIES_COLORS) + 1})`;

const DASHES = [undefined, '7 4', '2 3', '9 3 2 3'];

/** Solid for the first eight, then another pattern for every further eight. */
export const seriesDash = (index: number): string | undefined => DASHES[Math.floor(index / SERIES_COLORS) % DASHES.length];

/** Outlines around (0, 0), eight pixels wide: the sign beside the colour. */
const SHAPES = [
  'M-3.5 0a3.5 3.5 0 1 0 7 0a3.5 3.5 0 1 0-7 0z',
  'M-3.2-3.2h6.4v6.4h-6.4z',
  'M0-4L4 3.2H-4z',
  'M0-4.4L4.4 0L0 4.4L-4.4 0z',
  'M-1.3-4h2.6v2.7H4v2.6H1.3V4h-2.6V1.3H-4v-2.6h2.7z',
  'M0 4L4-3.2H-4z',
  'M-4-4L0-1.8L4-4L1.8 0L4 4L0 1.8L-4 4L-1.8 0z',
  'M-2-4h4L4 0L2 4h-4L-4 0z',
];

/** Path of the sign of a series, around (0, 0). */
export const seriesShape = (index: number): string => SHAPES[index % SHAPES.length]!;

export interface SeriesFigures {
  last: number | null;
  min: number | null;
  mean: number | null;
  max: number | null;
}

/** What a line says in four numbers; null where nothing is known. */
export function figuresOf(points: Series['points']): SeriesFigures {
  const known = points.flatMap(([, value]) => (value === null ? [] : [value]));
  if (known.length === 0) return { last: null, min: null, mean: null, max: null };
  let min = Infinity, max = -Infinity, sum = 0;
  for (const value of known) {
    min = Math.min(min, value);
    max = Math.max(max, value);
    sum += value;
  }
  return { last: known.at(-1)!, min, mean: sum / known.length, max };
}

/** Where a click in a legend leads. `shown` empty means all; a click alone isolates a series, a toggling one adds or removes it. */
export function nextShown(all: readonly string[], shown: readonly string[], key: string, toggles: boolean): string[] {
  if (!toggles) return shown.length === 1 && shown[0] === key ? [] : [key];
  const now = shown.length === 0 ? all : shown;
  const next = now.includes(key) ? now.filter((each) => each !== key) : [...now, key];
  return all.every((each) => next.includes(each)) && next.length === all.length ? [] : next;
}

const STEPS_MS = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10_800, 21_600, 43_200, 86_400, 172_800, 604_800].map((s) => s * 1000);
const MAX_TICKS = 7;

/** Round instants of the local clock between two times, at most seven. */
export function timeTicks(start: number, end: number, zoneOffsetMs = new Date(end).getTimezoneOffset() * 60_000): number[] {
  const step = STEPS_MS.find((each) => (end - start) / each <= MAX_TICKS) ?? Math.ceil((end - start) / MAX_TICKS);
  const ticks = [];
  for (let tick = Math.ceil((start - zoneOffsetMs) / step) * step + zoneOffsetMs; tick <= end && ticks.length < MAX_TICKS; tick += step) ticks.push(tick);
  return ticks;
}

/** Round values that hold zero, `least` and `most` between the first and the last; about five steps. */
export function valueTicks(least: number, most: number): number[] {
  const low = Math.min(0, least), high = Math.max(0, most);
  if (!(high > low) || !Number.isFinite(high - low)) return [0, 1];
  const rough = (high - low) / 5, power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 2.5, 5, 10].map((times) => times * power).find((each) => each >= rough * 0.999)!;
  const first = Math.floor(low / step + 1e-9), last = Math.ceil(high / step - 1e-9);
  return Array.from({ length: last - first + 1 }, (_, i) => Number(((first + i) * step).toPrecision(12)));
}

/** The least and the greatest that is drawn; stacked series add up. */
export function extent(series: readonly Series[], isStacked: boolean): [number, number] {
  if (!isStacked) {
    const values = series.flatMap(({ points }) => {
      const { min, max } = figuresOf(points);
      return min === null || max === null ? [] : [min, max];
    });
    return [Math.min(0, ...values), Math.max(0, ...values)];
  }
  let least = 0, most = 0;
  for (const row of rowsOf(series)) {
    let below = 0, above = 0;
    for (const { key } of series) {
      const value = row[key] ?? 0;
      if (value < 0) below += value;
      else above += value;
    }
    least = Math.min(least, below);
    most = Math.max(most, above);
  }
  return [least, most];
}

export interface Span {
  start: number;
  end: number;
}

const LEAST_SPAN_MS = 10_000;

/** A span `factor` times as long about the same middle, and no later than `now`. */
export function zoomed({ start, end }: Span, factor: number, now: number): Span {
  const length = Math.max(LEAST_SPAN_MS, (end - start) * factor);
  const last = Math.min(Math.max(now, end), (start + end) / 2 + length / 2);
  return { start: last - length, end: last };
}

/** The span before (`steps` below 0) or after, no later than `now`. */
export function moved({ start, end }: Span, steps: number, now: number): Span {
  const by = Math.min((end - start) * steps, Math.max(0, now - end));
  return { start: start + by, end: end + by };
}
