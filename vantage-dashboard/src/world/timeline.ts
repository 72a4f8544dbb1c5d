import { mergeEvents, Watcher, weightOf, type CityEvent } from './events';
import { HEALTH_UNKNOWN, type ServiceRow, type TickColumns } from './model';
import type { RecordedPage } from './recording';
import { toStatus } from './status';

/** A stretch of time as a bar: what it spans, where things stand on it. Pure; times are epoch ms. */

export interface Span {
  start: number;
  end: number;
}

/** The span that is asked for; pages of it away where the moment that is looked at lies outside. */
export function spanAround({ start, end }: Span, at: number | null, now: number): Span {
  const length = end - start;
  if (at === null || (at >= start && at <= end)) return { start, end };
  const pages = at < start ? -Math.ceil((start - at) / length) : Math.ceil((at - end) / length);
  const moved = { start: start + pages * length, end: end + pages * length };
  return moved.end > now ? { start: now - length, end: now } : moved;
}

export const fractionOf = (at: number, { start, end }: Span): number => Math.min(1, Math.max(0, (at - start) / (end - start)));
export const timeAt = (fraction: number, { start, end }: Span): number => start + Math.min(1, Math.max(0, fraction)) * (end - start);

/** Steps in seconds that both the replay and the history take. */
const STEPS_S = [60, 120, 300, 600, 900, 1800, 3600, 7200, 21_600, 43_200, 86_400];

export const stepFor = ({ start, end }: Span, mostPoints: number): number => (STEPS_S.find((step) => (end - start) / 1000 / step <= mostPoints) ?? 86_400) * 1000;

/** Rounded outwards to steps, so that a span that moves on asks the same question for a while. */
export const aligned = ({ start, end }: Span, stepMs: number): Span => ({ start: Math.floor(start / stepMs) * stepMs, end: Math.ceil(end / stepMs) * stepMs });

/** Frames times services of one answer of the replay. */
const MAX_CELLS = 20_000;
const MAX_OVERVIEW_FRAMES = 120;

export const overviewFrames = (services: number): number => Math.max(12, Math.min(MAX_OVERVIEW_FRAMES, Math.floor(MAX_CELLS / Math.max(1, services))));

export interface Mark {
  at: number;
  /** Fraction of the span. */
  place: number;
  /** Weightiest first. */
  events: readonly CityEvent[];
}

/** Events that would cover each other on the bar stand together; `room` is the share of the span that one takes. */
export function marksOf(events: readonly CityEvent[], span: Span, room: number): Mark[] {
  const marks: { at: number; place: number; events: CityEvent[] }[] = [];
  for (const event of [...events].sort((a, b) => a.at - b.at)) {
    if (event.at < span.start || event.at > span.end) continue;
    const place = fractionOf(event.at, span);
    const last = marks.at(-1);
    if (last && place - last.place < room) last.events.push(event);
    else marks.push({ at: event.at, place, events: [event] });
  }
  return marks.map((mark) => ({ ...mark, events: mark.events.sort((a, b) => weightOf(a.kind) - weightOf(b.kind) || a.at - b.at) }));
}

/** Scaling and incidents of a recorded time. */
export function eventsOf(pages: readonly RecordedPage[]): CityEvent[] {
  const watcher = new Watcher();
  const events = pages.flatMap((page) => page.frames.flatMap((tick) => watcher.see(rowsOf(page, tick), tick.time)));
  // The registry of a page holds for all of it: who comes and goes is not to be read from it.
  return mergeEvents(events.filter(({ kind }) => kind !== 'arrived' && kind !== 'left'));
}

function rowsOf({ services }: RecordedPage, tick: TickColumns): ServiceRow[] {
  return services.map((service, index) => ({
    ...service,
    pods: tick.pods[index]!,
    rps: tick.rps[index]!,
    errorRatio: Number.isNaN(tick.errorRatio[index]!) ? null : tick.errorRatio[index]!,
    p95Ms: Number.isNaN(tick.p95Ms[index]!) ? null : tick.p95Ms[index]!,
    health: tick.health[index] === HEALTH_UNKNOWN ? null : tick.health[index]!,
    status: toStatus(tick.status[index]!),
  }));
}

/** One step of the fleet's history. */
export interface HistoryPoint {
  timestamp: number;
  health_score: number | null;
  error_ratio: number | null;
  requests: number;
  statuses: Record<string, number>;
}

/** How bad a step was: the shape and the colour of its column. */
export function toneOf({ statuses, requests }: HistoryPoint): 'unknown' | 'healthy' | 'degraded' | 'unhealthy' {
  if (requests === 0) return 'unknown';
  if ((statuses['UNHEALTHY'] ?? 0) > 0) return 'unhealthy';
  return (statuses['DEGRADED'] ?? 0) > 0 ? 'degraded' : 'healthy';
}
