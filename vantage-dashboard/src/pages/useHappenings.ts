import { useEffect, useMemo, useRef } from 'react';
import { useApp } from '../app/context';
import type { CityEvent } from '../world/events';

const LATELY_MS = 10 * 60_000;
const SHOWN = 5;
/** What is older when it is heard of is no news any more. */
const NEWS_MS = 60_000;

/** The newest events up to where one looks. Those that are news are handed to the scene as well. */
export function useHappenings(events: readonly CityEvent[], at: number | null): readonly CityEvent[] {
  const { session } = useApp();
  const told = useRef({ until: -Infinity, keys: new Set<string>() });
  const lately = useMemo(() => {
    const until = at ?? Infinity;
    const found = events.filter((event) => event.at <= until).slice(-SHOWN);
    const newest = at ?? found.at(-1)?.at ?? 0;
    return found.filter((event) => event.at > newest - LATELY_MS);
  }, [events, at]);

  useEffect(() => {
    const until = at ?? session.serverNow();
    // Who goes back sees it happen again.
    if (until < told.current.until) told.current.keys.clear();
    told.current.until = until;
    const live = at === null ? new Set(session.events.getState().map(({ key }) => key)) : null;
    const news = lately.filter(({ key, at: when }) => when > until - NEWS_MS && !told.current.keys.has(key) && !live?.has(key));
    for (const { key } of news) told.current.keys.add(key);
    session.happened(news);
  }, [session, lately, at]);

  return lately;
}
