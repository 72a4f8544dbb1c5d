import type { ServiceRow } from '../world/model';
import { statusLook, STATUS_BY_SEVERITY } from '../world/status';

/** Which services a person wants to see; the others step back. As an address has it. Pure. */

export type StatusTone = ReturnType<typeof statusLook>['tone'];
export type Trouble = 'errors' | 'slow' | 'silent';

export interface CityFilter {
  /** '' is every one. */
  environment: string;
  district: string;
  /** None is every one. */
  statuses: readonly StatusTone[];
  trouble: Trouble | '';
}

const ERRORS_FROM = 0.01;
const SLOW_FROM_MS = 1000;

export const TROUBLES: readonly { value: Trouble; text: string; has: (row: ServiceRow) => boolean }[] = [
  { value: 'errors', text: 'Errors: 1% and more', has: (row) => (row.errorRatio ?? 0) >= ERRORS_FROM },
  { value: 'slow', text: 'Slow: p95 of 1 s and more', has: (row) => (row.p95Ms ?? 0) >= SLOW_FROM_MS },
  { value: 'silent', text: 'Silent: no requests', has: (row) => row.rps === 0 },
];

export const TONES: readonly StatusTone[] = STATUS_BY_SEVERITY.map((status) => statusLook(status).tone);

export function filterOf(parameters: URLSearchParams): CityFilter {
  const statuses = (parameters.get('status') ?? '').split(',');
  return {
    environment: parameters.get('env') ?? '',
    district: parameters.get('district') ?? '',
    statuses: TONES.filter((tone) => statuses.includes(tone)),
    trouble: TROUBLES.find(({ value }) => value === parameters.get('trouble'))?.value ?? '',
  };
}

/** Parameters of an address; null removes one. */
export function filterParameters({ environment, district, statuses, trouble }: CityFilter): Record<string, string | null> {
  return { env: environment || null, district: district || null, status: statuses.join(',') || null, trouble: trouble || null };
}

export const NO_FILTER: CityFilter = { environment: '', district: '', statuses: [], trouble: '' };

/** How many kinds of things are asked for. */
export function filterCount({ environment, district, statuses, trouble }: CityFilter): number {
  return [environment !== '', district !== '', statuses.length > 0, trouble !== ''].filter(Boolean).length;
}

export function filterServices(rows: readonly ServiceRow[], { environment, district, statuses, trouble }: CityFilter): ServiceRow[] {
  const kind = TROUBLES.find(({ value }) => value === trouble);
  return rows.filter(
    (row) =>
      (environment === '' || row.environment === environment) &&
      (district === '' || districtName(row.district) === district) &&
      (statuses.length === 0 || statuses.includes(statusLook(row.status).tone)) &&
      (kind?.has(row) ?? true),
  );
}

/** A district that outgrew its block has quarters: "payments", "payments 2". */
export function districtName(quarter: string): string {
  return quarter.replace(/(.) \d+$/, '$1');
}

/** In words, for a person who does not see what stepped back. */
export function filterWords({ environment, district, statuses, trouble }: CityFilter): string {
  const kind = TROUBLES.find(({ value }) => value === trouble)?.text;
  return [environment, district, statuses.join(' or '), kind].filter(Boolean).join(', ');
}
