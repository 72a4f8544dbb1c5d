import { useCallback, type ReactNode } from 'react';
import { useLinkTo } from '../app/address';
import { useApp, useHud, usePast, useSampled, type ChangeView } from '../app/context';
import { RangePicker } from '../app/PageTools';
import type { ViewState } from '../app/view';
import type { HoverTarget } from '../city/CityCanvas';
import { AttentionList, type AttentionListProps } from '../panels/AttentionList';
import { CityDock, type CityDockProps } from '../panels/CityDock';
import { HoverCard } from '../panels/HoverCard';
import { HudBar } from '../panels/HudBar';
import { Legend } from '../panels/Legend';
import { neighboursOf } from '../panels/neighbours';
import { Notices, type NoticesProps } from '../panels/Notices';
import { PastBanner } from '../panels/PastBanner';
import { SearchBox, type SearchBoxProps } from '../panels/SearchBox';
import { ServicePanel } from '../panels/ServicePanel';
import { TableTwin, type TableTwinProps } from '../panels/TableTwin';
import { TimeBar } from '../panels/TimeBar';
import type { ServiceRow } from '../world/model';
import { fleetOf, matchServices } from '../world/summary';
import { hudLinks, serviceLinks } from './cityLinks';
import { LIST_EVERY_MS, useRow, useRows } from './useLive';
import type { Timeline } from './useTimeline';
import type { Travel } from './useTravel';

/**
 * The panels of the city with the numbers that tick. Each listens for itself: what one of them hears makes none of the
 * others render, and the page least of all.
 */

/** The dock only counts: how many a filter leaves. */
const COUNT_EVERY_MS = 2000;
/** What is asked of the server about the past is asked for by the quarter of a minute. */
const ASKED_MS = 15_000;
const NONE: readonly ServiceRow[] = [];

export function LiveHud({ isPast, children }: { isPast: boolean; children: ReactNode }) {
  const { session } = useApp();
  const { link, fleet, serviceCount, counts } = useHud((state) => state);
  const links = hudLinks(useLinkTo());
  const shown = isPast ? { ...fleetOf(session.world.rows()), ingest_lag_ms: null, alerts_firing: null } : fleet;
  return <HudBar link={link} fleet={shown} serviceCount={serviceCount} counts={counts} isPast={isPast} links={links}>{children}</HudBar>;
}

export function LiveSearchBox(props: Omit<SearchBoxProps, 'results'>) {
  const { session } = useApp();
  const { query } = props;
  const read = useCallback(() => (query.trim() === '' ? NONE : matchServices(session.world.rows(), query)), [session, query]);
  return <SearchBox {...props} results={useSampled(read, LIST_EVERY_MS)} />;
}

export function LiveAttentionList(props: Omit<AttentionListProps, 'rows'>) {
  return <AttentionList {...props} rows={useHud(({ attention }) => attention)} />;
}

export function LiveNotices(props: Pick<NoticesProps, 'isPast' | 'onRetry'>) {
  const link = useHud((state) => state.link), incompatible = useHud((state) => state.incompatible);
  const greeted = useHud((state) => state.greeted), serviceCount = useHud((state) => state.serviceCount);
  return <Notices {...props} link={link} incompatible={incompatible} greeted={greeted} serviceCount={serviceCount} />;
}

export function LiveCityDock(props: Omit<CityDockProps, 'rows'>) {
  return <CityDock {...props} rows={useRows(COUNT_EVERY_MS)} />;
}

export function LiveTableTwin(props: Omit<TableTwinProps, 'rows'>) {
  return <TableTwin {...props} rows={useRows()} />;
}

export function LiveBanner({ now, onLive }: { now: number; onLive: () => void }) {
  const past = usePast((state) => state);
  return past === null ? null : <PastBanner past={past} now={now} onLive={onLive} />;
}

export function LiveLegend() {
  const sample = useHud((state) => state.sample);
  const past = usePast((state) => (state === null ? null : state.sample));
  return <Legend sample={past ?? sample} synthesized={past !== null} />;
}

export function LiveTimeBar({ view, timeline, travel }: { view: ViewState; timeline: Timeline; travel: Travel }) {
  const past = usePast((state) => state);
  return (
    <TimeBar
      {...timeline}
      at={past?.at ?? null}
      playing={past?.playing ?? false}
      speed={view.speed}
      stepMs={past?.stepMs ?? 10_000}
      tools={<RangePicker />}
      onSeek={travel.seek}
      onPlay={travel.play}
      onSpeed={travel.setSpeed}
      onLive={travel.toLive}
    />
  );
}

interface LiveServicePanelProps {
  id: string;
  /** Where one looks; null is now. */
  at: number | null;
  change: ChangeView;
  onPick: (id: string) => void;
  onFly: (() => void) | null;
}

export function LiveServicePanel({ id, at, change, onPick, onFly }: LiveServicePanelProps) {
  const { session } = useApp();
  const row = useRow(id);
  const read = useCallback(() => {
    const { world } = session;
    return neighboursOf((slot) => world.row(slot), [...world.edges.values()], world.slotOf(id) ?? -1);
  }, [session, id]);
  const neighbours = useSampled(read, LIST_EVERY_MS);
  const linkTo = useLinkTo();
  if (!row) return null;
  return (
    <ServicePanel
      key={id}
      row={row}
      neighbours={neighbours}
      at={at === null ? null : Math.floor(at / ASKED_MS) * ASKED_MS}
      links={serviceLinks(row, linkTo)}
      onPick={onPick}
      onClose={() => change({ selectedId: null })}
      onFly={onFly}
      onLogs={(service) => change({ logsService: service, logsOpen: true }, { replace: true })}
      onTrace={(traceId) => change({ traceId })}
    />
  );
}

export function LiveHoverCard({ target }: { target: HoverTarget }) {
  const row = useRow(target.id);
  return row?.id === target.id ? <HoverCard row={row} x={target.x} y={target.y} /> : null;
}
