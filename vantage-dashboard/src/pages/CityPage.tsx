import { lazy, Suspense, useCallback, useEffect, useMemo, useRef, useState } from 'react';
import { useSearchParams } from 'react-router';
import { useStore } from 'zustand';
import { apiKey } from '../api/apiKey';
import { useLinkTo } from '../app/address';
import { useApp, useHud, useMediaQuery, usePast, useSampled, useView, type ChangeView } from '../app/context';
import { RangePicker } from '../app/PageTools';
import { theme } from '../app/theme';
import type { ViewState } from '../app/view';
import type { CameraState, CityHandle, HoverTarget } from '../city/CityCanvas';
import { AttentionList } from '../panels/AttentionList';
import { BlackBox } from '../panels/BlackBox';
import { CityDock } from '../panels/CityDock';
import { filterCount, filterOf, filterServices } from '../panels/cityFilters';
import { EventFeed } from '../panels/EventFeed';
import { HoverCard } from '../panels/HoverCard';
import { HudBar, type HudFleet } from '../panels/HudBar';
import { Legend } from '../panels/Legend';
import { neighboursOf } from '../panels/neighbours';
import { Notices } from '../panels/Notices';
import { PastBanner } from '../panels/PastBanner';
import { SearchBox } from '../panels/SearchBox';
import { ServicePanel } from '../panels/ServicePanel';
import { TableTwin } from '../panels/TableTwin';
import { TimeBar } from '../panels/TimeBar';
import { TraceDrawer } from '../panels/TraceDrawer';
import { Button } from '../ui/Button';
import type { ServiceRow } from '../world/model';
import { fleetOf, matchServices } from '../world/summary';
import { CityBoundary } from './CityBoundary';
import './city.css';
import { hudLinks, serviceLinks } from './cityLinks';
import { overlayReader } from './overlays';
import { useCityFilter } from './useCityFilter';
import { useHappenings } from './useHappenings';
import { useInsets } from './useInsets';
import { useTimeline, type Timeline } from './useTimeline';
import { useTravel, type Travel } from './useTravel';
import { hasWebGL2 } from './webgl';

const CityCanvas = lazy(() => import('../city/CityCanvas'));

const LIST_EVERY_MS = 500;
const CARD_EVERY_MS = 300;
/** Panels that ask the server follow a replay in steps of this length, and none faster than every two seconds. */
const FOLLOWED_MS = 2000;
const REST_MS = 300;
const WIDE = '(min-width: 1000px) and (min-height: 700px)';
const FAILED = 'The graphics of this machine stopped drawing the city, so you see the same numbers as a table. “Table” tries again.';
const NO_WEBGL = 'This browser cannot draw the city (WebGL 2 is missing), so you see the same numbers as a table.';

export default function CityPage() {
  const { session } = useApp();
  const hud = useHud((state) => state);
  const [view, change] = useView();
  const { selectedId, table, traceId } = view;
  const [drawable] = useState(hasWebGL2);
  const [handle, setHandle] = useState<CityHandle | null>(null);
  const [camera, setCamera] = useState<CameraState>({ following: false, topDown: false });
  const [filter, setFilter] = useCityFilter();
  const [hover, setHover] = useState<HoverTarget | null>(null);
  const [query, setQuery] = useState('');
  const [overlays] = useState(() => overlayReader());
  const reducedMotion = useMediaQuery('(prefers-reduced-motion: reduce)');
  const day = useDay();
  const isWide = useMediaQuery(WIDE);
  const keyState = useStore(apiKey);
  const [failed, setFailed] = useState(false);
  const asTable = table || !drawable || failed;
  const logsOpen = view.logsOpen ?? isWide;
  const travel = useTravel(view, change);
  const isPast = usePast((past) => past !== null);
  /** Where panels that ask the server look; null is now. */
  const followed = useFollowed();
  const timeline = useTimeline(followed);
  const lately = useHappenings(timeline.events, followed);

  /** What a person has chosen here, or has been flown to. */
  const shownId = useRef<string | null>(null);
  const select = useCallback(
    (id: string | null) => {
      shownId.current = id;
      change({ selectedId: id });
    },
    [change],
  );
  const known = selectedId !== null && session.world.slotOf(selectedId) !== undefined;
  const insets = useInsets({ panel: known, logs: logsOpen });

  const pick = (id: string) => {
    select(id);
    handle?.flyTo(id);
  };

  // A link flies to the service it names once both the city and the service are there; so do Back and Forward.
  useEffect(() => {
    if (!known || !handle || shownId.current === selectedId) return;
    handle.flyTo(selectedId);
    shownId.current = selectedId;
  }, [known, handle, selectedId]);

  const latest = useRef(view);
  useEffect(() => {
    latest.current = view;
  });
  useEffect(() => {
    const escape = (e: KeyboardEvent) => {
      // One Escape closes one thing, the topmost; a field that used it has said so.
      if (e.key !== 'Escape' || e.defaultPrevented) return;
      if (latest.current.traceId !== null) change({ traceId: null });
      else if (latest.current.selectedId !== null) select(null);
    };
    window.addEventListener('keydown', escape);
    return () => window.removeEventListener('keydown', escape);
  }, [select, change]);

  const rows = useSampled(useCallback(() => session.world.rows(), [session]), LIST_EVERY_MS);
  const results = useMemo(() => matchServices(rows, query), [rows, query]);
  const matches = useMatches(rows, query.trim() === '' ? null : results);

  const toggleTable = () => {
    if (failed) setFailed(false);
    else change({ table: !table });
  };
  const links = hudLinks(useLinkTo());
  const fleet: HudFleet | null = isPast ? { ...fleetOf(rows), ingest_lag_ms: null, alerts_firing: null } : hud.fleet;
  const note = failed ? FAILED : drawable ? null : NO_WEBGL;
  return (
    <main className="city-page" data-past={isPast || undefined} data-day={day || undefined}>
      {asTable ? (
        <TableTwin rows={rows} selectedId={selectedId} note={note} sort={view.sort} isPast={isPast} onSort={(sort) => change({ sort }, { replace: true })} onSelect={select} />
      ) : (
        <CityBoundary onFailed={() => setFailed(true)}>
          <Suspense fallback={<p className="city-loading soft" role="status">Building the city…</p>}>
            <CityCanvas feed={session} selectedId={selectedId} matches={matches} insets={insets} overlays={overlays} reducedMotion={reducedMotion} day={day} onSelect={select} onHover={setHover} onReady={setHandle} onCamera={setCamera} />
          </Suspense>
        </CityBoundary>
      )}

      <HudBar link={hud.link} fleet={fleet} serviceCount={hud.serviceCount} counts={hud.counts} isPast={isPast} links={links}>
        <SearchBox query={query} results={results} onQuery={setQuery} onPick={pick} />
        <Button pressed={asTable} disabled={!drawable} data-testid="table-toggle" onClick={toggleTable}>Table</Button>
      </HudBar>
      {isPast && <div className="city-banner"><LiveBanner now={timeline.now} onLive={travel.toLive} /></div>}

      {!asTable && hud.serviceCount > 0 && (
        <div className="city-left">
          <AttentionList rows={hud.attention} selectedId={selectedId} onPick={pick} />
          <EventFeed events={lately} onPick={pick} />
        </div>
      )}
      {!keyState.refused && (
        <Notices link={hud.link} incompatible={hud.incompatible} greeted={hud.greeted} serviceCount={hud.serviceCount} isPast={isPast} onRetry={session.retry} />
      )}

      <div className="city-right">
        {selectedId !== null && known && (
          <LiveServicePanel id={selectedId} at={followed} change={change} onPick={pick} onFly={asTable ? null : () => handle?.flyTo(selectedId)} />
        )}
      </div>

      <div className="city-bottom">
        {!asTable && handle && <CityDock handle={handle} camera={camera} rows={rows} filter={filter} onFilter={setFilter} />}
        {!asTable && hud.serviceCount > 0 && <LiveLegend sample={hud.sample} />}
        <BlackBox
          open={logsOpen}
          service={view.logsService}
          level={view.logsLevel}
          text={view.logsText}
          at={followed}
          onToggle={() => change({ logsOpen: !logsOpen }, { replace: true })}
          onFilter={({ service, level, text }) =>
            change({ ...(service !== undefined && { logsService: service }), ...(level !== undefined && { logsLevel: level }), ...(text !== undefined && { logsText: text }) }, { replace: true })
          }
          onTrace={(id) => change({ traceId: id })}
        />
        <LiveTimeBar view={view} timeline={timeline} travel={travel} />
      </div>

      {hover && !asTable && hover.id !== selectedId && <LiveHoverCard target={hover} />}
      {traceId !== null && <TraceDrawer key={traceId} traceId={traceId} onClose={() => change({ traceId: null })} />}
    </main>
  );
}

/** The moment to ask the server about: playing goes in steps, and a handle that is dragged about has to come to rest. */
function useFollowed(): number | null {
  const playing = usePast((past) => past?.playing ?? false);
  const at = usePast((past) => {
    if (past === null) return null;
    const step = FOLLOWED_MS * (past.playing ? past.speed : 1);
    return Math.floor(past.at / step) * step;
  });
  const [rested, setRested] = useState(at);
  const isJump = !playing && at !== null;
  useEffect(() => {
    const timer = window.setTimeout(() => setRested(at), isJump ? REST_MS : 0);
    return () => window.clearTimeout(timer);
  }, [at, isJump]);
  return at === null ? null : (rested ?? at);
}

function useDay(): boolean {
  const chosen = useStore(theme, (state) => state.chosen);
  const isLight = useMediaQuery('(prefers-color-scheme: light)');
  return chosen === 'light' || (chosen === 'system' && isLight);
}

/** Ids of the services that the search and the filters leave, the same set as long as it is; null when all are left. */
function useMatches(rows: readonly ServiceRow[], found: readonly ServiceRow[] | null): ReadonlySet<string> | null {
  const [parameters] = useSearchParams();
  const text = parameters.toString();
  const filter = useMemo(() => filterOf(new URLSearchParams(text)), [text]);
  const left = filterCount(filter) === 0 ? found : filterServices(found ?? rows, filter);
  const key = left === null ? null : left.map(({ id }) => id).join('\n');
  return useMemo(() => (key === null ? null : new Set(key.split('\n'))), [key]);
}

function LiveBanner({ now, onLive }: { now: number; onLive: () => void }) {
  const past = usePast((state) => state);
  return past === null ? null : <PastBanner past={past} now={now} onLive={onLive} />;
}

function LiveLegend({ sample }: { sample: number }) {
  const past = usePast((state) => (state === null ? null : state.sample));
  return <Legend sample={past ?? sample} synthesized={past !== null} />;
}

function LiveTimeBar({ view, timeline, travel }: { view: ViewState; timeline: Timeline; travel: Travel }) {
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

function useRow(id: string) {
  const { session } = useApp();
  const read = useCallback(() => {
    const slot = session.world.slotOf(id);
    return slot === undefined ? undefined : session.world.row(slot);
  }, [session, id]);
  return useSampled(read, CARD_EVERY_MS);
}

interface LiveServicePanelProps {
  id: string;
  at: number | null;
  change: ChangeView;
  onPick: (id: string) => void;
  onFly: (() => void) | null;
}

/** What is asked of the server about the past is asked for by the quarter of a minute. */
const ASKED_MS = 15_000;

function LiveServicePanel({ id, at, change, onPick, onFly }: LiveServicePanelProps) {
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

function LiveHoverCard({ target }: { target: HoverTarget }) {
  const row = useRow(target.id);
  return row?.id === target.id ? <HoverCard row={row} x={target.x} y={target.y} /> : null;
}

