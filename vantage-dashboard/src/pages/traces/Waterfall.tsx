import { useVirtualizer } from '@tanstack/react-virtual';
import { useCallback, useEffect, useId, useMemo, useRef, useState, type CSSProperties, type KeyboardEvent } from 'react';
import { useParameters } from '../../app/address';
import { inertText } from '../../stream/logs';
import { Button } from '../../ui/Button';
import { TextField } from '../../ui/Field';
import { duration } from '../../ui/format';
import { Minimap } from './Minimap';
import { ancestorIds, criticalSteps, lengthOf, parentRow, visibleSpans, type Span, type Trace } from './spans';
import { placed, ticksOf, windowOf, writeWindow, type TimeWindow } from './timeWindow';
import './waterfall.css';

const ROW_PX = 26;
const TOUCH_ROW_PX = 36;
const MOST_INDENT = 24;
const NOTHING_COLLAPSED: ReadonlySet<string> = new Set();

interface WaterfallProps {
  trace: Trace;
  colors: ReadonlyMap<string, string>;
  selected: string | null;
  onSelect: (spanId: string | null) => void;
}

/** The spans as a tree beside their time. Only the rows in view are drawn. */
export function Waterfall({ trace, colors, selected, onSelect }: WaterfallProps) {
  const [parameters, change] = useParameters();
  const total = lengthOf(trace);
  const view = windowOf(parameters.get('window') ?? '', total);
  const setView = useCallback((next: TimeWindow) => change({ window: writeWindow(next, total) || null }), [change, total]);
  const [collapsed, setCollapsed] = useState(NOTHING_COLLAPSED);
  const [wanted, setWanted] = useState('');
  const found = useMemo(() => matching(trace.spans, wanted), [trace, wanted]);
  const parents = trace.spans.filter((span) => span.children > 0);
  const reveal = useCallback(
    (spanId: string) => {
      const above = ancestorIds(trace.spans, spanId);
      setCollapsed((before) => (above.some((id) => before.has(id)) ? new Set([...before].filter((id) => !above.includes(id))) : before));
      onSelect(spanId);
    },
    [trace, onSelect],
  );
  const next = (spans: readonly Span[]) => {
    const at = spans.findIndex((span) => span.span_id === selected);
    const target = spans[(at + 1) % spans.length];
    if (target) reveal(target.span_id);
  };
  return (
    <section aria-label="Waterfall">
      <div className="waterfall-tools">
        <form className="waterfall-find" role="search" aria-label="Spans" onSubmit={(e) => {
          e.preventDefault();
          next(found);
        }}>
          <TextField label="Find a span" placeholder="Find a span" value={wanted} onChange={setWanted} />
          {wanted !== '' && <span className="soft num" role="status">{found.length} found</span>}
          {found.length > 0 && <Button type="submit">Next</Button>}
        </form>
        {trace.error_count > 0 && <Button onClick={() => next(trace.spans.filter((span) => span.status === 'error'))}><span className="tone-unhealthy" aria-hidden="true">◆</span> Next error</Button>}
        <Button disabled={parents.length === 0} onClick={() => setCollapsed(collapsed.size > 0 ? NOTHING_COLLAPSED : new Set(parents.filter((span) => span.depth > 0).map((span) => span.span_id)))}>
          {collapsed.size > 0 ? 'Expand all' : 'Collapse'}
        </Button>
        <span className="waterfall-legend soft"><span className="critical-sample" aria-hidden="true" /> critical path <span className="failed-sample" aria-hidden="true" /> failed</span>
      </div>
      <Minimap trace={trace} total={total} view={view} colors={colors} onView={setView} />
      <Tree trace={trace} view={view} colors={colors} selected={selected} onSelect={onSelect} collapsed={collapsed} onCollapsed={setCollapsed} found={wanted === '' ? null : new Set(found.map((span) => span.span_id))} />
    </section>
  );
}

function matching(spans: readonly Span[], text: string): Span[] {
  const wanted = text.toLowerCase();
  return wanted === '' ? [] : spans.filter((span) => `${span.service} ${span.name} ${span.span_id}`.toLowerCase().includes(wanted));
}

interface TreeProps extends WaterfallProps {
  view: TimeWindow;
  collapsed: ReadonlySet<string>;
  onCollapsed: (collapsed: ReadonlySet<string>) => void;
  /** What is looked for; null when nothing is. */
  found: ReadonlySet<string> | null;
}

function Tree({ trace, view, colors, selected, onSelect, collapsed, onCollapsed, found }: TreeProps) {
  const rows = useMemo(() => visibleSpans(trace.spans, collapsed), [trace, collapsed]);
  const steps = useMemo(() => criticalSteps(trace), [trace]);
  const [active, setActive] = useState(selected ?? trace.spans[0]?.span_id ?? '');
  const [seen, setSeen] = useState(selected);
  if (selected !== seen) {
    setSeen(selected);
    if (selected !== null) setActive(selected);
  }
  const at = Math.max(0, rows.findIndex((row) => row.span_id === active));
  const box = useRef<HTMLDivElement>(null);
  const id = useId();
  const rowPx = window.matchMedia('(pointer: coarse)').matches ? TOUCH_ROW_PX : ROW_PX;
  // eslint-disable-next-line react-hooks/incompatible-library -- its functions are used here only, and not kept
  const virtual = useVirtualizer({ count: rows.length, getScrollElement: () => box.current, estimateSize: () => rowPx, overscan: 12 });
  const scrollTo = useRef(virtual.scrollToIndex);
  useEffect(() => {
    scrollTo.current(at, { align: 'auto' });
  }, [at]);

  const ticks = ticksOf(view);
  const go = (index: number) => {
    const row = rows[Math.max(0, Math.min(rows.length - 1, index))];
    if (row) setActive(row.span_id);
  };
  const toggle = (spanId: string) => {
    const next = new Set(collapsed);
    if (!next.delete(spanId)) next.add(spanId);
    onCollapsed(next);
  };
  const key = (e: KeyboardEvent) => {
    const row = rows[at];
    if (!row || e.ctrlKey || e.metaKey || e.altKey) return;
    const isOpen = row.children > 0 && !collapsed.has(row.span_id);
    const moves: Record<string, () => void> = {
      ArrowDown: () => go(at + 1),
      ArrowUp: () => go(at - 1),
      PageDown: () => go(at + 15),
      PageUp: () => go(at - 15),
      Home: () => go(0),
      End: () => go(rows.length - 1),
      ArrowRight: () => (row.children > 0 && !isOpen ? toggle(row.span_id) : isOpen ? go(at + 1) : undefined),
      ArrowLeft: () => (isOpen ? toggle(row.span_id) : parentRow(rows, at) >= 0 ? go(parentRow(rows, at)) : undefined),
      Enter: () => onSelect(row.span_id),
      ' ': () => onSelect(row.span_id),
      Escape: () => onSelect(null),
    };
    const act = moves[e.key];
    if (!act) return;
    e.preventDefault();
    act();
  };
  return (
    <div className="waterfall" style={gridOf(ticks, view)}>
      <div className="waterfall-head" aria-hidden="true">
        <span>Span</span>
        <span className="waterfall-axis">
          {ticks.map((tick) => {
            const place = placed(tick, 0, view);
            return place && place.left < 93 && <span key={tick} style={{ left: `${place.left}%` }}>{tick === 0 ? '0' : duration(tick)}</span>;
          })}
        </span>
        <span className="numeric">Duration</span>
        <span className="numeric wide">Self</span>
      </div>
      <div ref={box} className="waterfall-rows" role="tree" tabIndex={0} aria-label={`${rows.length} spans. Arrow keys go through the tree, Enter shows a span.`} aria-activedescendant={rows[at] && `${id}-${at}`} onKeyDown={key} data-testid="waterfall">
        <div role="presentation" style={{ height: virtual.getTotalSize(), position: 'relative' }}>
          {virtual.getVirtualItems().map(({ index, start }) => {
            const row = rows[index]!;
            return (
              <Row
                key={row.span_id}
                id={`${id}-${index}`}
                span={row}
                top={start}
                height={rowPx}
                view={view}
                color={colors.get(row.service) ?? 'var(--series-8)'}
                critical={steps.get(row.span_id) ?? []}
                isCollapsed={collapsed.has(row.span_id)}
                isActive={index === at}
                isSelected={row.span_id === selected}
                isDim={found !== null && !found.has(row.span_id)}
                onOpen={() => {
                  setActive(row.span_id);
                  onSelect(row.span_id);
                }}
                onToggle={() => toggle(row.span_id)}
              />
            );
          })}
        </div>
      </div>
    </div>
  );
}

/** The lines of the axis go on through the rows. */
function gridOf(ticks: readonly number[], { from, to }: TimeWindow): CSSProperties {
  const [first = from, second = to] = ticks, share = 100 / (to - from);
  return { '--tick-from': `${(first - from) * share}%`, '--tick-step': `${(second - first) * share}%` } as CSSProperties;
}

interface RowProps {
  id: string;
  span: Span;
  top: number;
  height: number;
  view: TimeWindow;
  color: string;
  critical: readonly { offset: number; duration: number }[];
  isCollapsed: boolean;
  isActive: boolean;
  isSelected: boolean;
  isDim: boolean;
  onOpen: () => void;
  onToggle: () => void;
}

function Row({ id, span, top, height, view, color, critical, isCollapsed, isActive, isSelected, isDim, onOpen, onToggle }: RowProps) {
  const failed = span.status === 'error';
  const bar = placed(span.offset, span.duration, view);
  return (
    // The tree has the keys; a click is the pointer's way to the same.
    <div
      id={id}
      role="treeitem"
      aria-level={span.depth + 1}
      aria-expanded={span.children > 0 ? !isCollapsed : undefined}
      aria-selected={isSelected}
      className="waterfall-row"
      data-active={isActive || undefined}
      data-dim={isDim || undefined}
      data-testid="span-row"
      style={{ height, transform: `translateY(${top}px)`, '--color': color, '--depth': Math.min(span.depth, MOST_INDENT) } as CSSProperties}
      onClick={onOpen}
    >
      <span className="waterfall-name">
        <span className="waterfall-twig" aria-hidden="true" onClick={(e) => {
          if (span.children === 0) return;
          e.stopPropagation();
          onToggle();
        }}>{span.children > 0 ? (isCollapsed ? '▸' : '▾') : ''}</span>
        <span className="swatch" />
        {failed && <Sign glyph="◆" tone="unhealthy" words="failed" />}
        {span.place === 'orphan' && <Sign glyph="⚬" tone="degraded" words="its parent did not arrive" />}
        {span.place === 'cycle' && <Sign glyph="↻" tone="degraded" words="its parents lead back to it" />}
        <span className="waterfall-text"><b>{inertText(span.service)}</b> <span className="soft">{inertText(span.name)}</span></span>
        {isCollapsed && span.children > 0 && <span className="waterfall-count soft num">+{span.children}</span>}
        {span.skew_ms > 0 && <span className="waterfall-skew tone-degraded num" title={`It seems to begin ${duration(span.skew_ms)} before its parent: their clocks differ by at least so much.`}><Sign glyph="◷" tone="degraded" words="its clock differs by" />{duration(span.skew_ms)}</span>}
      </span>
      <span className="waterfall-lane">
        {bar && <span className={failed ? 'span-bar failed' : 'span-bar'} style={{ left: `${bar.left}%`, width: `${bar.width}%` }} />}
        {critical.map((step) => {
          const part = placed(step.offset, step.duration, view);
          return part && <span key={step.offset} className="critical-bar" style={{ left: `${part.left}%`, width: `${part.width}%` }} />;
        })}
      </span>
      <span className="numeric num">{duration(span.duration)}</span>
      <span className="numeric num soft wide"><span className="visually-hidden">self </span>{duration(span.self_ms)}</span>
    </div>
  );
}

/** A shape for the eye, words for the ear. */
function Sign({ glyph, tone, words }: { glyph: string; tone: string; words: string }) {
  return <span className={`waterfall-sign tone-${tone}`} title={words}><span aria-hidden="true">{glyph}</span><span className="visually-hidden">{words} </span></span>;
}
