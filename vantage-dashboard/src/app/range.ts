/** A span of time as the address bar has it: "1h" up to now, or two instants. Pure. */

export const PRESETS = ['15m', '1h', '6h', '24h', '7d', '30d'] as const;
export type Preset = (typeof PRESETS)[number];
export type Range = { preset: Preset } | { start: number; end: number };

const UNIT_MS: Record<string, number> = { m: 60_000, h: 3_600_000, d: 86_400_000 };
const WORDS: Record<Preset, string> = { '15m': 'Last 15 minutes', '1h': 'Last hour', '6h': 'Last 6 hours', '24h': 'Last 24 hours', '7d': 'Last 7 days', '30d': 'Last 30 days' };
export const DEFAULT_RANGE: Range = { preset: '1h' };

/** What `range`, `start` and `end` (epoch ms) of an address mean; the default where they mean nothing. */
export function rangeOf(parameters: URLSearchParams): Range {
  const start = Number(parameters.get('start')), end = Number(parameters.get('end'));
  if (Number.isSafeInteger(start) && Number.isSafeInteger(end) && start > 0 && end > start) return { start, end };
  const preset = PRESETS.find((name) => name === parameters.get('range'));
  return preset ? { preset } : DEFAULT_RANGE;
}

export function writeRange(parameters: URLSearchParams, range: Range): void {
  for (const name of ['range', 'start', 'end']) parameters.delete(name);
  if (!('preset' in range)) {
    parameters.set('start', String(Math.round(range.start)));
    parameters.set('end', String(Math.round(range.end)));
  } else if (range.preset !== '1h') parameters.set('range', range.preset);
}

export function lengthMs(range: Range): number {
  if (!('preset' in range)) return range.end - range.start;
  return Number.parseInt(range.preset, 10) * UNIT_MS[range.preset.slice(-1)]!;
}

/** Begin and end in epoch ms, of a relative range as of `now`. */
export function bounds(range: Range, now = Date.now()): { start: number; end: number } {
  return 'preset' in range ? { start: now - lengthMs(range), end: now } : { start: range.start, end: range.end };
}

export function rangeWords(range: Range, locale?: string): string {
  if ('preset' in range) return WORDS[range.preset];
  const format = new Intl.DateTimeFormat(locale, { month: 'short', day: 'numeric', hour: '2-digit', minute: '2-digit' });
  return format.formatRange(range.start, range.end);
}

/** How often a view of this range is asked for anew; false for one that lies in the past. */
export function refreshMs(range: Range): number | false {
  if (!('preset' in range)) return false;
  return Math.min(60_000, Math.max(5000, lengthMs(range) / 400));
}
