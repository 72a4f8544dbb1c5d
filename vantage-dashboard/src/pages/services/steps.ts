import type { Series } from '../../ui/series';

/** Steps of a time series, as charts may show them. Pure. */

type Points = Series['points'];

/** Without the steps that the range cuts off: counts of half a step look like a fall. All of them where no other is left. */
export function wholeSteps(points: Points, { start, end, step_s }: { start: number; end: number; step_s: number }): Points {
  const whole = points.filter(([at]) => at >= start && at + step_s * 1000 <= end);
  return whole.length > 0 ? whole : points;
}

export function perSecond(points: Points, stepS: number): Points {
  return points.map(([at, value]) => [at, value === null ? null : value / stepS]);
}

export interface Version {
  version: string;
  count: number;
  /** Of all requests of the range. */
  share: number;
  /** Begin of the first and of the last step in which it answered; epoch ms. */
  first: number;
  last: number;
  points: Points;
}

interface Counted {
  group: Record<string, string>;
  points: Points;
}

/** The versions that answered, the one that came last first. Those that name none are left out. */
export function versionsOf(series: readonly Counted[]): Version[] {
  const total = series.reduce((sum, { points }) => sum + countOf(points), 0);
  return series
    .flatMap(({ group, points }) => {
      const version = group['version'] || group['service.version'] || '';
      const used = points.filter(([, value]) => (value ?? 0) > 0);
      if (version === '' || used.length === 0) return [];
      const count = countOf(points);
      return [{ version, count, share: count / total, first: used[0]![0], last: used.at(-1)![0], points }];
    })
    .sort((a, b) => b.first - a.first || b.count - a.count);
}

/** The moments at which a version first answered, but not those that were there from the begin. */
export function releases(versions: readonly Version[]): { time: number; label: string }[] {
  const begin = Math.min(...versions.map(({ first }) => first));
  return versions.flatMap(({ version, first }) => (first > begin ? [{ time: first, label: version }] : []));
}

const countOf = (points: Points): number => points.reduce((sum, [, value]) => sum + (value ?? 0), 0);
