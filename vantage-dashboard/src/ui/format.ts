/** Numbers as people read them. A missing value is a dash, never a zero. */

const NONE = '–';
/** Kept: to make one costs a hundred times what it does. */
const WHOLE = new Intl.NumberFormat('en-US', { maximumFractionDigits: 0 });

export function rate(value: number | null | undefined): string {
  if (value === null || value === undefined || Number.isNaN(value)) return NONE;
  if (value >= 1e6) return `${trim(value / 1e6)}M`;
  if (value >= 10_000) return `${trim(value / 1000)}k`;
  if (value >= 100) return WHOLE.format(value);
  return value >= 10 ? value.toFixed(0) : value.toFixed(1);
}

export function percent(ratio: number | null | undefined): string {
  if (ratio === null || ratio === undefined || Number.isNaN(ratio)) return NONE;
  const value = ratio * 100;
  if (value === 0) return '0%';
  if (value < 0.01) return '<0.01%';
  return `${value < 1 ? value.toFixed(2) : value < 10 ? value.toFixed(1) : value.toFixed(0)}%`;
}

export function duration(ms: number | null | undefined): string {
  if (ms === null || ms === undefined || Number.isNaN(ms)) return NONE;
  if (ms < 1) return `${ms.toFixed(2)} ms`;
  if (ms < 1000) return `${ms < 10 ? ms.toFixed(1) : Math.round(ms)} ms`;
  return ms < 60_000 ? `${(ms / 1000).toFixed(ms < 10_000 ? 1 : 0)} s` : `${(ms / 60_000).toFixed(1)} min`;
}

export function clockTime(epochMs: number, withMillis = true): string {
  const date = new Date(epochMs);
  const two = (n: number) => String(n).padStart(2, '0');
  const time = `${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}`;
  return withMillis ? `${time}.${String(date.getMilliseconds()).padStart(3, '0')}` : time;
}

const trim = (value: number): string => (value >= 100 ? value.toFixed(0) : value.toFixed(1));
