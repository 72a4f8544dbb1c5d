import type { Column } from './cells';

/** Where a cell leads, by the name of its column. */
export function pathOf(value: unknown, { name }: Column): string | null {
  if (typeof value !== 'string' || value === '') return null;
  if (name === 'trace_id') return `/traces/${encodeURIComponent(value)}`;
  return name === 'service_name' ? `/services/${encodeURIComponent(value)}` : null;
}
