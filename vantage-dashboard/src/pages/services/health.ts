import type { Api } from '../../api/types';
import { duration, percent, rate } from '../../ui/format';

/** A health score as people read it. Pure. */

export type FactorName = keyof Api<'HealthFactors'>;
type Factor = Api<'HealthFactor'>;

export const FACTORS: readonly { key: FactorName; name: string; rule: string; format: (value: number | null) => string }[] = [
  { key: 'error_rate', name: 'Errors', rule: 'share of failed requests', format: percent },
  { key: 'response_time', name: 'Response time', rule: 'p95, against the p95 that was learned', format: duration },
  { key: 'availability', name: 'Availability', rule: 'share of the time in which at least one request succeeded', format: percent },
  { key: 'request_rate', name: 'Request rate', rule: 'requests a second, against the same hour of earlier weeks', format: (value) => (value === null ? '–' : `${rate(value)}/s`) },
];

export function factorWords({ score, state }: Factor): string {
  if (state === 'learning') return 'learning';
  return state === 'no_data' || score === null ? 'no data' : String(Math.round(score));
}

/** The mean by weight as a sum one can follow, of the factors that count. */
export function sumOf(factors: Api<'HealthFactors'>): { text: string; total: number } | null {
  const counted = FACTORS.map(({ key }) => factors[key]).filter((factor): factor is Factor & { score: number } => factor.score !== null && factor.weight > 0);
  if (counted.length === 0) return null;
  const total = counted.reduce((sum, { score, weight }) => sum + score * weight, 0);
  return { text: `${counted.map(({ score, weight }) => `${weight.toFixed(2)} × ${Math.round(score)}`).join(' + ')} = ${Math.round(total)}`, total };
}
