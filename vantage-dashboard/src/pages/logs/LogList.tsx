import { useVirtualizer } from '@tanstack/react-virtual';
import { useEffect, useRef, useState, type KeyboardEvent } from 'react';
import { inertText } from '../../stream/logs';
import { clockTime } from '../../ui/format';
import type { NamedLine } from './filter';
import { LineDetails } from './LineDetails';
import { severityLook } from './severity';

interface LogListProps {
  rows: readonly NamedLine[];
  /** Name of the line that is shown whole. */
  open: string;
  onOpen: (name: string) => void;
  hasMore: boolean;
  onMore: () => void;
  /** What the end of the list says. */
  end: string;
  isAtTop: boolean;
  onAtTop: (isAtTop: boolean) => void;
}

const ROW_PX = 25;
const NEAR_END = 30;
const AT_TOP_PX = 8;

/** Lines, newest first. Only those in view are drawn; more are asked for as the end comes near. */
export function LogList({ rows, open, onOpen, hasMore, onMore, end, isAtTop, onAtTop }: LogListProps) {
  const box = useRef<HTMLDivElement>(null);
  const [active, setActive] = useState(0);
  const wantsFocus = useRef(false);
  // eslint-disable-next-line react-hooks/incompatible-library -- its functions are used here only, and not kept
  const virtual = useVirtualizer({ count: rows.length, getScrollElement: () => box.current, estimateSize: () => ROW_PX, getItemKey: (index) => rows[index]!.name, overscan: 12 });
  const items = virtual.getVirtualItems();
  const last = items.at(-1)?.index ?? 0;

  useEffect(() => {
    if (hasMore && last >= rows.length - NEAR_END) onMore();
  }, [hasMore, last, rows.length, onMore]);

  useEffect(() => {
    if (isAtTop) box.current?.scrollTo({ top: 0 });
  }, [isAtTop, rows]);

  useEffect(() => {
    if (!wantsFocus.current) return;
    const target = box.current?.querySelector<HTMLElement>(`[data-index="${active}"] > button`);
    if (!target) return;
    wantsFocus.current = false;
    target.focus();
  }, [active, items]);

  const go = (index: number) => {
    const next = Math.max(0, Math.min(rows.length - 1, index));
    wantsFocus.current = true;
    setActive(next);
    virtual.scrollToIndex(next);
  };
  const key = (e: KeyboardEvent) => {
    if (e.target instanceof Element && e.target.closest('.line-details')) return;
    const to = { ArrowDown: active + 1, ArrowUp: active - 1, PageDown: active + 20, PageUp: active - 20, Home: 0, End: rows.length - 1 }[e.key];
    if (to !== undefined) go(to);
    else if (e.key === 'Escape' && open !== '') onOpen('');
    else return;
    e.preventDefault();
  };
  return (
    <div ref={box} className="log-list mono" tabIndex={0} role="region" aria-label="Log lines. The arrow keys go from line to line, Enter shows one whole." onKeyDown={key} onScroll={(e) => onAtTop(e.currentTarget.scrollTop < AT_TOP_PX)} data-testid="log-list">
      <div style={{ height: virtual.getTotalSize(), position: 'relative' }}>
        <ul className="log-lines" style={{ transform: `translateY(${items[0]?.start ?? 0}px)` }}>
          {items.map(({ index }) => {
            const row = rows[index]!;
            return <Row key={row.name} row={row} index={index} measure={virtual.measureElement} isOpen={row.name === open} isActive={index === active} onFocus={() => setActive(index)} onToggle={() => onOpen(row.name === open ? '' : row.name)} />;
          })}
        </ul>
      </div>
      <p className="log-end soft">{end}</p>
    </div>
  );
}

interface RowProps {
  row: NamedLine;
  index: number;
  measure: (element: Element | null) => void;
  isOpen: boolean;
  isActive: boolean;
  onFocus: () => void;
  onToggle: () => void;
}

const SHOWN_CHARS = 400;

function Row({ row: { line }, index, measure, isOpen, isActive, onFocus, onToggle }: RowProps) {
  const { tone, word, glyph } = severityLook(line.severity);
  return (
    <li ref={measure} data-index={index} data-open={isOpen || undefined} data-testid="log-line">
      <button type="button" className="log-row" aria-expanded={isOpen} tabIndex={isActive ? 0 : -1} onFocus={onFocus} onClick={onToggle}>
        <span className="log-row-time soft">{clockTime(line.timestamp)}</span>
        <span className={`log-row-level tone-${tone}`}><span aria-hidden="true">{glyph}</span> {word}</span>
        <span className="log-row-service">{inertText(line.service_name)}</span>
        <span className="log-row-body">{inertText(line.body.slice(0, SHOWN_CHARS))}</span>
      </button>
      {isOpen && <LineDetails line={line} />}
    </li>
  );
}
