import { useQueryClient } from '@tanstack/react-query';
import { useCallback, useEffect, useState } from 'react';
import { answer, http } from '../../api/client';
import { useApp, useSampled } from '../../app/context';
import { followAlerts } from './alertStream';
import { ALERTS } from './queries';
import { ageWords } from './spans';

const GATHER_MS = 200;

/** Renews what is shown of alerts as soon as something happens to one. Whether it is told of that now. */
export function useLiveAlerts(): boolean {
  const queries = useQueryClient();
  const [isLive, setIsLive] = useState(false);
  const isHidden = useIsHidden();
  useEffect(() => {
    if (isHidden) return;
    let timer: number | null = null;
    // A turn of the evaluator tells of many alerts at once.
    const renewSoon = () => {
      timer ??= window.setTimeout(() => {
        timer = null;
        void queries.invalidateQueries({ queryKey: [ALERTS] });
      }, GATHER_MS);
    };
    const stop = followAlerts({
      ticket: async () => (await answer(http.POST('/api/stream/ticket'))).ticket,
      open: (url) => new EventSource(url),
      onChange: renewSoon,
      onLive: setIsLive,
    });
    return () => {
      stop();
      if (timer !== null) window.clearTimeout(timer);
    };
  }, [queries, isHidden]);
  return isLive && !isHidden;
}

function useIsHidden(): boolean {
  const [isHidden, setIsHidden] = useState(document.hidden);
  useEffect(() => {
    const update = () => setIsHidden(document.hidden);
    document.addEventListener('visibilitychange', update);
    return () => document.removeEventListener('visibilitychange', update);
  }, []);
  return isHidden;
}

const clock = () => Date.now();
const AGES_EVERY_MS = 5000;

/** How long ago an instant of the server's clock is; its clock and ours may differ by minutes. */
export function useAgeMs(): (serverMs: number) => number {
  const { session } = useApp();
  const now = useSampled(clock, AGES_EVERY_MS);
  return useCallback((serverMs) => now - session.toLocal(serverMs), [now, session]);
}

export function useAge(): (serverMs: number) => string {
  const ageMs = useAgeMs();
  return useCallback((serverMs) => ageWords(ageMs(serverMs)), [ageMs]);
}

/** The server's clock, as far as we know it. */
export function useServerNow(): number {
  const { session } = useApp();
  const now = useSampled(clock, AGES_EVERY_MS);
  return now - (session.toLocal(now) - now);
}
