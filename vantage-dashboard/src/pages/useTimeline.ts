import { useQuery } from '@tanstack/react-query';
import { useCallback, useEffect, useMemo } from 'react';
import { useStore } from 'zustand';
import { answer, http } from '../api/client';
import { useRange } from '../app/address';
import { useApp, useSampled } from '../app/context';
import { bounds } from '../app/range';
import { useServices } from '../app/services';
import { deploysOf, mergeEvents, withoutRollouts, type CityEvent, type VersionSeries } from '../world/events';
import { aligned, eventsOf, overviewFrames, spanAround, stepFor, type HistoryPoint, type Span } from '../world/timeline';

const METRIC = 'http.request.duration';
const NOW_EVERY_MS = 2000;
const REFRESH_MS = 30_000;
const HISTORY_POINTS = 180;
const VERSION_STEPS = 60;
const MAX_ALERTS = 200;
/** A bar of a few seconds would say nothing. */
const LEAST_SPAN_MS = 15 * 60_000;

export interface Timeline {
  span: Span;
  now: number;
  history: readonly HistoryPoint[];
  historyStepMs: number;
  events: readonly CityEvent[];
}

const NO_HISTORY: readonly HistoryPoint[] = [];
const NO_EVENTS: readonly CityEvent[] = [];

/** What the time bar shows: the stored part of the range in the address, moved to where one looks. */
export function useTimeline(at: number | null): Timeline {
  const { session } = useApp();
  const { range, key } = useRange();
  const now = useSampled(session.serverNow, NOW_EVERY_MS);
  const { data: listed, isPending } = useServices();
  const services = listed?.services;
  // Where the stored time begins is part of every question: none is asked before that is known.
  const enabled = !isPending;
  const storedFrom = services === undefined || services.length === 0 ? -Infinity : Math.min(...services.map(({ first_seen }) => first_seen));
  const span = useMemo(() => {
    const { start, end } = spanAround(bounds(range, now), at, now);
    return { start: Math.min(Math.max(start, storedFrom), end - LEAST_SPAN_MS), end };
    // eslint-disable-next-line react-hooks/exhaustive-deps -- the key stands for the range
  }, [key, at, now, storedFrom]);
  const isLive = span.end >= now - REFRESH_MS;
  const refetchInterval = isLive ? REFRESH_MS : false;

  const historyStepMs = stepFor(span, HISTORY_POINTS);
  const historySpan = aligned(span, historyStepMs);
  const history = useQuery({
    queryKey: ['fleet-history', historySpan.start, historySpan.end, historyStepMs],
    queryFn: ({ signal }) => {
      const query = { start: String(historySpan.start), end: String(Math.min(historySpan.end, Math.floor(session.serverNow()))), step: historyStepMs / 1000 };
      return answer(http.GET('/health/history', { params: { query }, signal }));
    },
    // The next minute is another question about the same bar.
    placeholderData: (before) => before,
    enabled,
    refetchInterval,
  });

  const idOf = useCallback((name: string) => services?.find(({ service_name }) => service_name === name), [services]);
  const events = useEvents(span, services?.length ?? 0, { enabled, refetchInterval }, idOf);
  return { span, now, history: history.data?.points ?? NO_HISTORY, historyStepMs, events };
}

type Named = (name: string) => { service_name: string; environment: string } | undefined;

interface Asking {
  enabled: boolean;
  refetchInterval: number | false;
}

function useEvents(span: Span, services: number, asking: Asking, idOf: Named): readonly CityEvent[] {
  const { session } = useApp();
  const live = useStore(session.events);
  const recorded = useRecorded(span, services, asking.refetchInterval);
  const deploys = useDeploys(span, asking);
  const alerts = useAlerts(span, asking, idOf);
  return useMemo(() => withoutRollouts(mergeEvents(recorded, deploys, alerts, live)), [recorded, deploys, alerts, live]);
}

/** Scaling and incidents, read off coarse frames of the whole span; dragging shows them, too. */
function useRecorded(span: Span, services: number, refetchInterval: number | false): readonly CityEvent[] {
  const { session } = useApp();
  const stepMs = stepFor(span, overviewFrames(services));
  const { start, end } = aligned(span, stepMs);
  const { data } = useQuery({
    queryKey: ['overview', start, end, stepMs],
    queryFn: () => session.reader.replay(start, Math.min(end, Math.floor(session.serverNow() / stepMs) * stepMs), stepMs),
    enabled: services > 0,
    placeholderData: (before) => before,
    refetchInterval: refetchInterval && Math.max(refetchInterval, stepMs),
    gcTime: 60_000,
  });
  const isPast = useStore(session.past, (past) => past !== null);
  useEffect(() => {
    if (data && isPast) session.setOverview(data);
  }, [session, data, isPast]);
  return useMemo(() => (data ? eventsOf(data) : NO_EVENTS), [data]);
}

function useDeploys(span: Span, asking: Asking): readonly CityEvent[] {
  const stepMs = stepFor(span, VERSION_STEPS);
  const { start, end } = aligned(span, stepMs);
  const { data } = useQuery({
    queryKey: ['versions', start, end, stepMs],
    queryFn: ({ signal }) => {
      const query = { metric: METRIC, agg: 'count' as const, group_by: 'service_name,environment,version', start: String(start), end: String(end), step: stepMs / 1000 };
      return answer(http.GET('/api/metrics/timeseries', { params: { query }, signal }));
    },
    placeholderData: (before) => before,
    ...asking,
  });
  return useMemo(() => (data ? deploysOf(data.series.map(versionOf)) : NO_EVENTS), [data]);
}

const versionOf = ({ group, points }: { group: Record<string, string>; points: readonly (readonly [number, number | null])[] }): VersionSeries => ({
  serviceId: `${group['environment']}/${group['service_name']}`,
  service: group['service_name'] ?? '',
  version: group['version'] ?? '',
  points,
});

function useAlerts(span: Span, asking: Asking, idOf: Named): readonly CityEvent[] {
  const { start, end } = aligned(span, 60_000);
  const { data } = useQuery({
    queryKey: ['alert-events', start, end],
    queryFn: ({ signal }) => answer(http.GET('/api/alerts/history', { params: { query: { start: String(start), end: String(end), limit: MAX_ALERTS } }, signal })),
    placeholderData: (before) => before,
    ...asking,
  });
  return useMemo(
    () =>
      (data?.events ?? []).flatMap(({ alert_id, at, happening, rule_name, service_name }): CityEvent[] => {
        if (happening !== 'firing' && happening !== 'resolved') return [];
        const service = idOf(service_name);
        const words = happening === 'firing' ? `${service_name}: ${rule_name} fires` : `${service_name}: ${rule_name} is over`;
        return [{ key: `${happening} ${alert_id} ${at}`, at, kind: happening === 'firing' ? 'fired' : 'resolved', serviceId: service ? `${service.environment}/${service.service_name}` : null, words }];
      }),
    [data, idOf],
  );
}
