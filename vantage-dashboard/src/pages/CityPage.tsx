import { lazy, Suspense, useCallback, useEffect, useRef, useState } from 'react';
import { useStore } from 'zustand';
import { apiKey } from '../api/apiKey';
import { useApp, useHud, useMediaQuery, usePast, useView } from '../app/context';
import { theme } from '../app/theme';
import type { CameraState, CityHandle, HoverTarget } from '../city/CityCanvas';
import { BlackBox } from '../panels/BlackBox';
import { EventFeed } from '../panels/EventFeed';
import { TraceDrawer } from '../panels/TraceDrawer';
import { Button } from '../ui/Button';
import { CityBoundary } from './CityBoundary';
import './city.css';
import { LiveAttentionList, LiveBanner, LiveCityDock, LiveHoverCard, LiveHud, LiveLegend, LiveNotices, LiveSearchBox, LiveServicePanel, LiveTableTwin, LiveTimeBar } from './cityLive';
import { overlayReader } from './overlays';
import { useCityFilter } from './useCityFilter';
import { useHappenings } from './useHappenings';
import { useInsets } from './useInsets';
import { useIsKnown, useMatches } from './useLive';
import { useTimeline } from './useTimeline';
import { useTravel } from './useTravel';
import { hasWebGL2 } from './webgl';

const CityCanvas = lazy(() => import('../city/CityCanvas'));

/** Panels that ask the server follow a replay in steps of this length, and none faster than every two seconds. */
const FOLLOWED_MS = 2000;
const REST_MS = 300;
const WIDE = '(min-width: 1000px) and (min-height: 700px)';
const FAILED = 'The graphics of this machine stopped drawing the city, so you see the same numbers as a table. “Table” tries again.';
const NO_WEBGL = 'This browser cannot draw the city (WebGL 2 is missing), so you see the same numbers as a table.';

export default function CityPage() {
  const { session } = useApp();
  const hasServices = useHud(({ serviceCount }) => serviceCount > 0);
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
  const known = useIsKnown(selectedId);
  const insets = useInsets({ panel: known, logs: logsOpen });

  const pick = (id: string) => {
    select(id);
    handle?.flyTo(id);
  };

  // A link flies to the service it names once both the city and the service are there; so do Back and Forward.
  useEffect(() => {
    if (selectedId === null || !known || !handle || shownId.current === selectedId) return;
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

  const matches = useMatches(query, filter);

  const toggleTable = () => {
    if (failed) setFailed(false);
    else change({ table: !table });
  };
  const note = failed ? FAILED : drawable ? null : NO_WEBGL;
  return (
    <main className="city-page" data-past={isPast || undefined} data-day={day || undefined}>
      {asTable ? (
        <LiveTableTwin selectedId={selectedId} note={note} sort={view.sort} isPast={isPast} onSort={(sort) => change({ sort }, { replace: true })} onSelect={select} />
      ) : (
        <CityBoundary onFailed={() => setFailed(true)}>
          <Suspense fallback={<p className="city-loading soft" role="status">Building the city…</p>}>
            <CityCanvas feed={session} selectedId={selectedId} matches={matches} insets={insets} overlays={overlays} reducedMotion={reducedMotion} day={day} onSelect={select} onHover={setHover} onReady={setHandle} onCamera={setCamera} />
          </Suspense>
        </CityBoundary>
      )}

      <LiveHud isPast={isPast}>
        <LiveSearchBox query={query} onQuery={setQuery} onPick={pick} />
        <Button pressed={asTable} disabled={!drawable} data-testid="table-toggle" onClick={toggleTable}>Table</Button>
      </LiveHud>
      {isPast && <div className="city-banner"><LiveBanner now={timeline.now} onLive={travel.toLive} /></div>}

      {!asTable && hasServices && (
        <div className="city-left">
          <LiveAttentionList selectedId={selectedId} onPick={pick} />
          <EventFeed events={lately} onPick={pick} />
        </div>
      )}
      {!keyState.refused && <LiveNotices isPast={isPast} onRetry={session.retry} />}

      <div className="city-right">
        {selectedId !== null && known && (
          <LiveServicePanel id={selectedId} at={followed} change={change} onPick={pick} onFly={asTable ? null : () => handle?.flyTo(selectedId)} />
        )}
      </div>

      <div className="city-bottom">
        {!asTable && handle && <LiveCityDock handle={handle} camera={camera} filter={filter} onFilter={setFilter} />}
        {!asTable && hasServices && <LiveLegend />}
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
