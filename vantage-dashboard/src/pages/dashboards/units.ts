import { duration, percent, rate } from '../../ui/format';

/** How a panel's numbers are written, by the unit in its options. Pure. */

export const UNITS = ['', 'ms', 's', '%', 'ratio', 'bytes', '/s'] as const;

export const UNIT_WORDS: Record<string, string> = { '': 'none', ms: 'milliseconds', s: 'seconds', '%': 'percent', ratio: 'ratio (0 to 1, as percent)', bytes: 'bytes', '/s': 'per second' };

export function unitFormat(unit: unknown): (value: number) => string {
  switch (unit) {
    case 'ms':
      return duration;
    case 's':
      return (value) => duration(value * 1000);
    case '%':
      return (value) => percent(value / 100);
    case 'ratio':
      return percent;
    case 'bytes':
      return (value) => (Math.abs(value) < 1000 ? `${plain(value)} B` : `${compact(value)}B`);
    case '/s':
      return (value) => `${rate(value)}/s`;
    default:
      return typeof unit === 'string' && unit !== '' ? (value) => `${plain(value)} ${unit.slice(0, 20)}` : plain;
  }
}

function plain(value: number): string {
  if (Math.abs(value) >= 10_000) return compact(value);
  if (value !== 0 && Math.abs(value) < 0.01) return value.toLocaleString('en-US', { maximumSignificantDigits: 2 });
  return value.toLocaleString('en-US', { maximumFractionDigits: Math.abs(value) < 100 ? 2 : 0 });
}

const compact = (value: number): string => new Intl.NumberFormat('en-US', { notation: 'compact', maximumSignificantDigits: 3 }).format(value);
