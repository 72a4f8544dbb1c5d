import { Status, type ServiceRow, type StatusCode } from './model';
import { needsAttention, STATUS_BY_SEVERITY } from './status';

export type StatusCounts = Record<StatusCode, number>;

export function countByStatus(services: Iterable<{ status: StatusCode }>): StatusCounts {
  const counts: StatusCounts = { 0: 0, 1: 0, 2: 0, 3: 0 };
  for (const { status } of services) counts[status]++;
  return counts;
}

const severity = (status: StatusCode): number => STATUS_BY_SEVERITY.indexOf(status);

/** The services to look at first: worst status, then lowest score, then busiest. */
export function attentionList(rows: readonly ServiceRow[]): ServiceRow[] {
  return rows
    .filter((row) => needsAttention(row.status))
    .sort((a, b) => severity(a.status) - severity(b.status) || (a.health ?? 101) - (b.health ?? 101) || b.rps - a.rps || a.id.localeCompare(b.id));
}

/** The fleet's word for its mean score; the thresholds are those of a service's own status. */
export function statusOfScore(score: number | null): StatusCode {
  if (score === null) return Status.UNKNOWN;
  if (score >= 80) return Status.HEALTHY;
  return score >= 50 ? Status.DEGRADED : Status.UNHEALTHY;
}

/** Services whose name, id or district contains every word of the query. */
export function matchServices(rows: readonly ServiceRow[], query: string): ServiceRow[] {
  const words = query.toLowerCase().split(/\s+/).filter(Boolean);
  if (words.length === 0) return [];
  return rows.filter((row) => {
    const text = `${row.id} ${row.district}`.toLowerCase();
    return words.every((word) => text.includes(word));
  });
}

/** The numbers of the whole fleet, from those of its services. */
export function fleetOf(rows: readonly ServiceRow[]): { requests_per_second: number; error_ratio: number | null; health: number | null } {
  let requests = 0, errors = 0, scored = 0, score = 0;
  for (const { rps, errorRatio, health } of rows) {
    requests += rps;
    errors += rps * (errorRatio ?? 0);
    if (health === null || rps === 0) continue;
    scored += rps;
    score += rps * health;
  }
  return { requests_per_second: requests, error_ratio: requests > 0 ? errors / requests : null, health: scored > 0 ? Math.round(score / scored) : null };
}
