import { useMemo, useRef, useState, type KeyboardEvent, type PointerEvent } from 'react';
import { Button } from '../../ui/Button';
import { duration } from '../../ui/format';
import type { Trace } from './spans';
import { moved, within, zoomed, type TimeWindow } from './timeWindow';

interface MinimapProps {
  trace: Trace;
  total: number;
  view: TimeWindow;
  colors: ReadonlyMap<string, string>;
  onView: (view: TimeWindow) => void;
}

const WIDTH = 1000;
const HEIGHT = 44;
const LEAST_PX = 1.5;

/** All of the trace in little; dragging over it shows a part of its time. */
export function Minimap({ trace, total, view, colors, onView }: MinimapProps) {
  const box = useRef<SVGSVGElement>(null);
  const [drag, setDrag] = useState<{ from: number; to: number } | null>(null);
  const paths = useMemo(() => pathsOf(trace, total), [trace, total]);
  const isWhole = view.from <= 0 && view.to >= total;
  const at = (e: PointerEvent<SVGSVGElement>) => {
    const { left, width } = e.currentTarget.getBoundingClientRect();
    return Math.max(0, Math.min(1, (e.clientX - left) / width)) * total;
  };
  const release = () => {
    if (drag && Math.abs(drag.to - drag.from) > total / 300) onView(within(drag, total));
    setDrag(null);
  };
  const key = (e: KeyboardEvent) => {
    const act = keyActions(view, total)[e.key];
    if (!act) return;
    e.preventDefault();
    onView(act());
  };
  const shown = drag ? within(drag, total) : view;
  const x = (ms: number) => (ms / total) * WIDTH;
  return (
    <div className="minimap">
      <svg
        ref={box}
        viewBox={`0 0 ${WIDTH} ${HEIGHT}`}
        preserveAspectRatio="none"
        role="group"
        tabIndex={0}
        aria-label={`Time shown: ${duration(view.from)} to ${duration(view.to)} of ${duration(total)}. Left and right move, plus and minus zoom, Escape shows all.`}
        data-testid="minimap"
        onPointerDown={(e) => {
          e.currentTarget.setPointerCapture(e.pointerId);
          setDrag({ from: at(e), to: at(e) });
        }}
        onPointerMove={(e) => drag && setDrag({ from: drag.from, to: at(e) })}
        onPointerUp={release}
        onPointerCancel={() => setDrag(null)}
        onDoubleClick={() => onView({ from: 0, to: total })}
        onKeyDown={key}
      >
        {[...paths].map(([service, d]) => <path key={service} d={d} fill={colors.get(service)} />)}
        {trace.errors.map((error) => <path key={error.span_id} d={`M${x(error.offset) - 3},0h6l-3,6z`} className="minimap-error" />)}
        <rect x={0} width={x(shown.from)} y={0} height={HEIGHT} className="minimap-shade" />
        <rect x={x(shown.to)} width={WIDTH - x(shown.to)} y={0} height={HEIGHT} className="minimap-shade" />
        {!isWhole && <rect x={x(shown.from)} width={Math.max(1, x(shown.to) - x(shown.from))} y={0} height={HEIGHT} className="minimap-frame" />}
      </svg>
      <div className="minimap-tools">
        <span className="soft num">{isWhole ? `All of ${duration(total)}` : `${duration(view.from)} – ${duration(view.to)} of ${duration(total)}`}</span>
        <Button aria-label="Zoom in" onClick={() => onView(zoomed(view, 0.5, total))}>+</Button>
        <Button aria-label="Zoom out" disabled={isWhole} onClick={() => onView(zoomed(view, 2, total))}>−</Button>
        <Button disabled={isWhole} onClick={() => onView({ from: 0, to: total })}>All</Button>
      </div>
    </div>
  );
}

const keyActions = (view: TimeWindow, total: number): Record<string, () => TimeWindow> => ({
  ArrowLeft: () => moved(view, -0.2, total),
  ArrowRight: () => moved(view, 0.2, total),
  '+': () => zoomed(view, 0.7, total),
  '=': () => zoomed(view, 0.7, total),
  '-': () => zoomed(view, 1 / 0.7, total),
  Escape: () => ({ from: 0, to: total }),
});

/** One path a service: ten thousand spans are a handful of elements. */
function pathsOf({ spans }: Trace, total: number): Map<string, string> {
  const paths = new Map<string, string>();
  const rowHeight = HEIGHT / Math.max(spans.length, 8), height = Math.max(1, rowHeight * 0.8);
  spans.forEach((span, row) => {
    const left = (span.offset / total) * WIDTH, width = Math.max(LEAST_PX, (span.duration / total) * WIDTH);
    paths.set(span.service, `${paths.get(span.service) ?? ''}M${left.toFixed(1)},${(row * rowHeight).toFixed(2)}h${width.toFixed(1)}v${height.toFixed(2)}h-${width.toFixed(1)}z`);
  });
  return paths;
}
