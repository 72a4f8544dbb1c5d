import { useState } from 'react';
import { Button } from './Button';
import { figuresOf, moved, nextShown, seriesColor, seriesDash, seriesShape, zoomed, type Series, type Span } from './series';
import './seriesChart.css';

/** What belongs to a chart and is not drawn by the chart library: loaded without it. */

/** Colour, dashes and sign of a series, as in the chart. */
export function SeriesSwatch({ index }: { index: number }) {
  return (
    <svg className="swatch" width={26} height={12} viewBox="-13 -6 26 12" aria-hidden="true">
      <path d="M-13 0H13" stroke={seriesColor(index)} strokeWidth={2} strokeDasharray={seriesDash(index)} />
      <path d={seriesShape(index)} fill={seriesColor(index)} />
    </svg>
  );
}

interface LegendProps {
  series: readonly Series[];
  /** Keys that are drawn; empty is all. */
  shown: readonly string[];
  onShown: (shown: string[]) => void;
  /** The series under the pointer or the focus. */
  onPoint?: (key: string | null) => void;
  format?: (value: number) => string;
}

/** Names of the series. A click isolates one, with Shift or Ctrl it adds or removes it; Enter does the same. */
export function SeriesLegend({ series, shown, onShown, onPoint, format }: LegendProps) {
  const all = series.map(({ key }) => key);
  return (
    <ul className="legend-line" aria-label="Legend">
      {series.map(({ key, name, points }, index) => {
        const { last } = figuresOf(points);
        return (
          <li key={key}>
            <SeriesToggle index={index} name={name} isShown={shown.length === 0 || shown.includes(key)} onChoose={(toggles) => onShown(nextShown(all, shown, key, toggles))} onPoint={(isOver) => onPoint?.(isOver ? key : null)} />
            {format && <span className="num soft">{last === null ? '–' : format(last)}</span>}
          </li>
        );
      })}
    </ul>
  );
}

interface ToggleProps {
  index: number;
  name: string;
  isShown: boolean;
  /** False: it has no line, and so no sign of its own. */
  isDrawn?: boolean;
  onChoose: (toggles: boolean) => void;
  onPoint?: (isOver: boolean) => void;
}

export function SeriesToggle({ index, name, isShown, isDrawn = true, onChoose, onPoint }: ToggleProps) {
  return (
    <button
      type="button"
      className="series-toggle"
      aria-pressed={isShown}
      title="Click: only this one. Shift or Ctrl: add or remove it."
      onClick={(e) => onChoose(e.shiftKey || e.ctrlKey || e.metaKey)}
      onKeyDown={(e) => {
        // A browser that clicks on Enter may not tell the keys that were held with it.
        if (e.key !== 'Enter' || !(e.shiftKey || e.ctrlKey || e.metaKey)) return;
        e.preventDefault();
        onChoose(true);
      }}
      onPointerEnter={() => onPoint?.(true)}
      onPointerLeave={() => onPoint?.(false)}
      onFocus={() => onPoint?.(true)}
      onBlur={() => onPoint?.(false)}
    >
      {isDrawn ? <SeriesSwatch index={index} /> : <span className="swatch-none" />}
      <span className="series-name">{name}</span>
    </button>
  );
}

interface ZoomProps {
  /** What is shown now. */
  span: () => Span;
  onZoom: (start: number, end: number) => void;
}

/** What dragging does, for keys and fingers. */
export function ZoomTools({ span, onZoom }: ZoomProps) {
  const [said, say] = useState('');
  const go = (next: Span, words: string) => {
    onZoom(next.start, next.end);
    say(words);
  };
  return (
    <div className="zoom-tools" role="group" aria-label="Zoom">
      <Button aria-label="Earlier" title="Earlier" onClick={() => go(moved(span(), -0.5, Date.now()), 'moved to earlier')}>←</Button>
      <Button aria-label="Zoom in" title="Zoom in" onClick={() => go(zoomed(span(), 0.5, Date.now()), 'zoomed in')}>+</Button>
      <Button aria-label="Zoom out" title="Zoom out" onClick={() => go(zoomed(span(), 2, Date.now()), 'zoomed out')}>−</Button>
      <Button aria-label="Later" title="Later" onClick={() => go(moved(span(), 0.5, Date.now()), 'moved to later')}>→</Button>
      <span className="visually-hidden" role="status">{said}</span>
    </div>
  );
}
