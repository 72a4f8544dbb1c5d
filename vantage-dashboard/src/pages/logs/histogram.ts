import { severityLook, type SeverityLook } from './severity';
import { SEVERITIES, type Severity } from './filter';

/** Counts of lines by time and severity. Pure. */

const STEPS_S = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10_800, 21_600, 43_200, 86_400];
const MOST_BARS = 90;

export function stepFor(lengthMs: number): number {
  return STEPS_S.find((step) => lengthMs / 1000 / step <= MOST_BARS) ?? STEPS_S.at(-1)!;
}

export interface Bar {
  /** Epoch ms. */
  time: number;
  /** From the bottom: what is worst first, so that it stands on the ground line. */
  parts: { tone: SeverityLook['tone']; count: number; below: number }[];
  total: number;
}

const TONES: readonly SeverityLook['tone'][] = ['unhealthy', 'degraded', 'healthy', 'unknown'];

/** `rows` as the API answers: [epoch ms, severity, count]. */
export function barsOf(rows: readonly (readonly unknown[])[], wanted: readonly Severity[]): Bar[] {
  const bars = new Map<number, Map<SeverityLook['tone'], number>>();
  for (const [time, severity, count] of rows as readonly (readonly [number, string, number])[]) {
    if (wanted.length > 0 && !(wanted as readonly string[]).includes(severity)) continue;
    const bar = bars.get(time) ?? new Map<SeverityLook['tone'], number>();
    const { tone } = severityLook(severity);
    bar.set(tone, (bar.get(tone) ?? 0) + count);
    bars.set(time, bar);
  }
  return [...bars].sort(([a], [b]) => a - b).map(([time, counts]) => {
    let total = 0;
    const parts = TONES.flatMap((tone) => {
      const count = counts.get(tone) ?? 0, below = total;
      total += count;
      return count > 0 ? [{ tone, count, below }] : [];
    });
    return { time, parts, total };
  });
}

export function totalsOf(rows: readonly (readonly unknown[])[]): Record<Severity, number> {
  const totals = Object.fromEntries(SEVERITIES.map((severity) => [severity, 0])) as Record<Severity, number>;
  for (const [, severity, count] of rows as readonly (readonly [number, string, number])[]) if (severity in totals) totals[severity as Severity] += count;
  return totals;
}
