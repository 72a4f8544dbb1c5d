import { Box, Funnel, LocateFixed, MapPinned, Maximize, Move, Square, type LucideIcon } from 'lucide-react';
import { useEffect, useRef, useState, type ReactNode } from 'react';
import type { CameraState, CityHandle } from '../city/CityCanvas';
import type { ServiceRow } from '../world/model';
import { Bookmarks } from './Bookmarks';
import { CityFilters } from './CityFilters';
import { filterCount, NO_FILTER, filterServices, filterWords, type CityFilter } from './cityFilters';
import './cityDock.css';
import { edgePan, setEdgePan } from './edgePan';
import { Minimap } from './Minimap';
import { useStore } from 'zustand';

export interface CityDockProps {
  handle: CityHandle;
  camera: CameraState;
  rows: readonly ServiceRow[];
  filter: CityFilter;
  onFilter: (filter: CityFilter) => void;
}

/** What moves the camera and narrows the city, for hands without a keyboard; and the map. */
export function CityDock({ handle, camera, rows, filter, onFilter }: CityDockProps) {
  const [open, setOpen] = useState<'filter' | 'places' | null>(null);
  const dock = useRef<HTMLElement>(null);
  const edge = useStore(edgePan, (state) => state.on);
  const filters = filterCount(filter);
  useEffect(() => handle.setEdgePan(edge), [handle, edge]);
  useEffect(() => {
    if (open === null) return;
    const outside = (e: globalThis.PointerEvent) => {
      if (e.target instanceof Node && !dock.current?.contains(e.target)) setOpen(null);
    };
    window.addEventListener('pointerdown', outside);
    return () => window.removeEventListener('pointerdown', outside);
  }, [open]);
  const toggle = (which: typeof open) => setOpen(open === which ? null : which);
  return (
    <section
      ref={dock}
      className="city-dock panel"
      data-covers
      data-own-keys
      aria-label="View"
      onKeyDown={(e) => {
        if (e.key !== 'Escape' || open === null) return;
        e.preventDefault();
        setOpen(null);
      }}
    >
      {filters > 0 && <FilterNote filter={filter} rows={rows} onClear={() => onFilter(NO_FILTER)} />}
      <div className="city-dock-tools" role="toolbar" aria-label="View of the city">
        <Tool icon={Funnel} name="Filter" badge={filters} expanded={open === 'filter'} onClick={() => toggle('filter')} />
        <Tool icon={MapPinned} name="Places" keys="1…9" expanded={open === 'places'} onClick={() => toggle('places')} />
        <Tool icon={LocateFixed} name="Follow the selected service" keys="Shift+F" pressed={camera.following} onClick={() => handle.follow(!camera.following)} />
        <Tool icon={camera.topDown ? Square : Box} name="View from above" keys="T" pressed={camera.topDown} onClick={handle.toggleTopDown} />
        <Tool icon={Maximize} name="Whole city" keys="Home" onClick={handle.frameAll} />
        <Tool icon={Move} name="Move at the edges of the screen" pressed={edge} className="city-dock-mouse" onClick={() => setEdgePan(!edge)} />
      </div>
      <Minimap map={handle.map} label={`Map of the city: ${rows.length} services. Arrow keys move the camera.`} />
      {open === 'filter' && <Popover title="Filter"><CityFilters filter={filter} rows={rows} onFilter={onFilter} /></Popover>}
      {open === 'places' && <Popover title="Places"><Bookmarks onKeep={handle.keepPlace} onFly={handle.flyToPlace} /></Popover>}
    </section>
  );
}

function FilterNote({ filter, rows, onClear }: { filter: CityFilter; rows: readonly ServiceRow[]; onClear: () => void }) {
  return (
    <p className="city-dock-note" role="status" data-testid="filter-note">
      <span><span className="num">{filterServices(rows, filter).length} of {rows.length}</span> services: {filterWords(filter)}</span>
      <button type="button" onClick={onClear}>Show all</button>
    </p>
  );
}

function Popover({ title, children }: { title: string; children: ReactNode }) {
  const self = useRef<HTMLDivElement>(null);
  useEffect(() => self.current?.focus(), []);
  return (
    <div ref={self} className="city-dock-popover panel" data-covers role="dialog" aria-label={title} tabIndex={-1}>
      <h2>{title}</h2>
      {children}
    </div>
  );
}

interface ToolProps {
  icon: LucideIcon;
  name: string;
  keys?: string;
  badge?: number;
  pressed?: boolean;
  expanded?: boolean;
  className?: string;
  onClick: () => void;
}

function Tool({ icon: Icon, name, keys, badge = 0, pressed, expanded, className = '', onClick }: ToolProps) {
  return (
    <button type="button" className={`city-tool ${className}`} aria-label={badge > 0 ? `${name}, ${badge} set` : name} aria-pressed={pressed} aria-expanded={expanded} title={keys === undefined ? name : `${name} (${keys})`} onClick={onClick}>
      <Icon aria-hidden="true" size={16} strokeWidth={1.75} />
      {badge > 0 && <span className="city-tool-badge num" aria-hidden="true">{badge}</span>}
    </button>
  );
}
