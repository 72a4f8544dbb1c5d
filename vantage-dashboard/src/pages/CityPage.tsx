import { lazy, Suspense, useCallback, useEffect, useMemo, useRef, useState } from 'react';
import { useStore } from 'zustand';
import { apiKey } from '../api/apiKey';
import { useApp, useHud, useMediaQuery, useSampled, useView } from '../app/context';
import type { CityHandle, HoverTarget } from '../city/CityCanvas';
import { AttentionList } from '../panels/AttentionList';
import { BlackBox } from '../panels/BlackBox';
import { HoverCard } from '../panels/HoverCard';
import { HudBar } from '../panels/HudBar';
import { Legend } from '../panels/Legend';
import { Notices } from '../panels/Notices';
import { SearchBox } from '../panels/SearchBox';
import { ServicePanel } from '../panels/ServicePanel';
import { TableTwin } from '../panels/TableTwin';
import { TraceDrawer } from '../panels/TraceDrawer';
import { Button } from '../ui/Button';
import { matchServices } from '../world/summary';
import { CityBoundary } from './CityBoundary';
import './city.css';
import { overlayReader } from './overlays';
import { useInsets } from './useInsets';
import { hasWebGL2 } from './webgl';

const CityCanvas = lazy(() => import('../city/CityCanvas'));

const LIST_EVERY_MS = 500;
const CARD_EVERY_MS = 300;
const FAILED = 'The graphics of this machine stopped drawing the city, so you see the same numbers as a table. “Table” tries again.';
const NO_WEBGL = 'This browser cannot draw the city (WebGL 2 is missing), so you see the same numbers as a table.';

export default function CityPage() {
  const { session, view } = useApp();
  const hud = useHud((state) => state);
  const { selectedId, table, logsOpen, logsService, traceId } = useView((state) => state);
  const [drawable] = useState(hasWebGL2);
  const [handle, setHandle] = useState<CityHandle | null>(null);
  const [hover, setHover] = useState<HoverTarget | null>(null);
  const [query, setQuery] = useState('');
  const [overlays] = useState(() => overlayReader());
  const reducedMotion = useMediaQuery('(prefers-reduced-motion: reduce)');
  const keyState = useStore(apiKey);
  const [failed, setFailed] = useState(false);
  const asTable = table || !drawable || failed;

  const select = useCallback((id: string | null) => view.setState({ selectedId: id }), [view]);
  const known = selectedId !== null && session.world.slotOf(selectedId) !== undefined;
  const insets = useInsets({ panel: known, logs: logsOpen });

  const pick = (id: string) => {
    select(id);
    handle?.flyTo(id);
  };

  // A deep link flies to its service once both the city and the service are there.
  const linked = useRef(selectedId);
  useEffect(() => {
    if (linked.current === null || !known || !handle) return;
    handle.flyTo(linked.current);
    linked.current = null;
  }, [known, handle]);

  useEffect(() => {
    const escape = (e: KeyboardEvent) => {
      // One Escape closes one thing, the topmost; a field that used it has said so.
      if (e.key !== 'Escape' || e.defaultPrevented) return;
      if (view.getState().traceId !== null) view.setState({ traceId: null });
      else select(null);
    };
    window.addEventListener('keydown', escape);
    return () => window.removeEventListener('keydown', escape);
  }, [select, view]);

  const rows = useSampled(useCallback(() => session.world.rows(), [session]), LIST_EVERY_MS);
  const results = useMemo(() => matchServices(rows, query), [rows, query]);
  const matchKey = query.trim() === '' ? null : results.map((row) => row.id).join('\n');
  const matches = useMemo(() => (matchKey === null ? null : new Set(matchKey.split('\n'))), [matchKey]);

  const toggleTable = () => {
    if (failed) setFailed(false);
    else view.setState({ table: !table });
  };
  return (
    <div className="city-page" data-theme="dark">
      {asTable ? (
        <TableTwin rows={rows} selectedId={selectedId} note={failed ? FAILED : drawable ? null : NO_WEBGL} onSelect={select} />
      ) : (
        <CityBoundary onFailed={() => setFailed(true)}>
          <Suspense fallback={<p className="city-loading soft" role="status">Building the city…</p>}>
            <CityCanvas feed={session} selectedId={selectedId} matches={matches} insets={insets} overlays={overlays} reducedMotion={reducedMotion} onSelect={select} onHover={setHover} onReady={setHandle} />
          </Suspense>
        </CityBoundary>
      )}

      <HudBar link={hud.link} fleet={hud.fleet} serviceCount={hud.serviceCount} counts={hud.counts}>
        <SearchBox query={query} results={results} onQuery={setQuery} onPick={pick} />
        <Button pressed={asTable} disabled={!drawable} data-testid="table-toggle" onClick={toggleTable}>Table</Button>
        {!asTable && <Button className="hud-wide" title="Top view (T)" onClick={() => handle?.toggleTopDown()}>Top</Button>}
        {!asTable && <Button className="hud-wide" title="Whole city (Home)" onClick={() => handle?.frameAll()}>Frame</Button>}
      </HudBar>

      {!asTable && hud.greeted && hud.serviceCount > 0 && (
        <div className="city-left"><AttentionList rows={hud.attention} selectedId={selectedId} onPick={pick} /></div>
      )}
      {!keyState.refused && (
        <Notices link={hud.link} incompatible={hud.incompatible} greeted={hud.greeted} serviceCount={hud.serviceCount} onRetry={session.retry} />
      )}

      <div className="city-right">
        {selectedId !== null && known && <LiveServicePanel id={selectedId} onFly={() => handle?.flyTo(selectedId)} />}
      </div>

      <div className="city-bottom">
        {!asTable && hud.serviceCount > 0 && <Legend sample={hud.sample} />}
        <BlackBox
          open={logsOpen}
          service={logsService}
          onToggle={() => view.setState({ logsOpen: !logsOpen })}
          onService={(service) => view.setState({ logsService: service })}
          onTrace={(id) => view.setState({ traceId: id })}
        />
      </div>

      {hover && !asTable && hover.id !== selectedId && <LiveHoverCard target={hover} />}
      {traceId !== null && <TraceDrawer key={traceId} traceId={traceId} onClose={() => view.setState({ traceId: null })} />}
    </div>
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

function LiveServicePanel({ id, onFly }: { id: string; onFly: () => void }) {
  const { view } = useApp();
  const row = useRow(id);
  if (!row) return null;
  return (
    <ServicePanel
      key={id}
      row={row}
      onClose={() => view.setState({ selectedId: null })}
      onFly={onFly}
      onLogs={(service) => view.setState({ logsService: service, logsOpen: true })}
      onTrace={(traceId) => view.setState({ traceId })}
    />
  );
}

function LiveHoverCard({ target }: { target: HoverTarget }) {
  const row = useRow(target.id);
  return row?.id === target.id ? <HoverCard row={row} x={target.x} y={target.y} /> : null;
}
