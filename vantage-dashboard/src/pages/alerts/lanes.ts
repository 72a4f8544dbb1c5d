import type { Api } from '../../api/types';

/** A rule tried on the past: for how long, and what came of it by service. Pure. */

const HOUR_MS = 3_600_000;
export const PREVIEW_RANGES = {
  '0.25': { ms: 6 * HOUR_MS, text: 'last 6 hours' },
  '1': { ms: 24 * HOUR_MS, text: 'last 24 hours' },
  '3': { ms: 72 * HOUR_MS, text: 'last 3 days' },
  '7': { ms: 168 * HOUR_MS, text: 'last 7 days' },
} as const;
export type Days = keyof typeof PREVIEW_RANGES;

export interface Lane {
  service: string;
  isCritical: boolean;
  spans: { start: number; end: number | null }[];
}

/** The service that fired most often first. */
export function lanesOf({ firings }: Pick<Api<'PreviewView'>, 'firings'>): Lane[] {
  const lanes = new Map<string, Lane>();
  for (const { service_name: service, severity, fired, ended } of firings) {
    const lane = lanes.get(service) ?? { service, isCritical: false, spans: [] };
    lane.spans.push({ start: fired, end: ended });
    lane.isCritical ||= severity === 'critical';
    lanes.set(service, lane);
  }
  return [...lanes.values()].sort((a, b) => b.spans.length - a.spans.length || a.service.localeCompare(b.service));
}
