import { useCallback, useMemo } from 'react';
import { useApp, useSampled } from '../app/context';
import { filterCount, filterServices, type CityFilter } from '../panels/cityFilters';
import type { ServiceRow } from '../world/model';
import { matchServices } from '../world/summary';

/** What React knows of a city that ticks: looked at a few times a second. */

export const LIST_EVERY_MS = 500;
const CARD_EVERY_MS = 300;

export function useRows(everyMs = LIST_EVERY_MS): readonly ServiceRow[] {
  const { session } = useApp();
  return useSampled(useCallback(() => session.world.rows(), [session]), everyMs);
}

export function useRow(id: string): ServiceRow | undefined {
  const { session } = useApp();
  const read = useCallback(() => {
    const slot = session.world.slotOf(id);
    return slot === undefined ? undefined : session.world.row(slot);
  }, [session, id]);
  return useSampled(read, CARD_EVERY_MS);
}

/** Whether there is such a service now; asked again when services come or go. */
export function useIsKnown(id: string | null): boolean {
  const { session } = useApp();
  useSampled(useCallback(() => session.world.layoutVersion, [session]), LIST_EVERY_MS);
  return id !== null && session.world.slotOf(id) !== undefined;
}

/** Ids of the services that the search and the filter leave, the same set as long as it is; null when all are left. */
export function useMatches(query: string, filter: CityFilter): ReadonlySet<string> | null {
  const { session } = useApp();
  const read = useCallback(() => {
    const searches = query.trim() !== '', filters = filterCount(filter) > 0;
    if (!searches && !filters) return null;
    const rows = session.world.rows();
    const found = searches ? matchServices(rows, query) : rows;
    return (filters ? filterServices(found, filter) : found).map(({ id }) => id).join('\n');
  }, [session, query, filter]);
  const key = useSampled(read, LIST_EVERY_MS);
  return useMemo(() => (key === null ? null : new Set(key.split('\n'))), [key]);
}
