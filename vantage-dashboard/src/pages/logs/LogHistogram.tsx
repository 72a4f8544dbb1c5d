import { useMemo, useRef, useState, type PointerEvent } from 'react';
import { clockTime } from '../../ui/format';
import { timeTicks } from '../../ui/series';
import { useSize } from '../../ui/useSize';
import type { Wanted } from './filter';
import { barsOf, type Bar } from './histogram';

const HEIGHT = 78;
const AXIS = 18;
const DRAG_FROM = 5;

interface LogHistogramProps {
  rows: readonly (readonly unknown[])[];
  severities: Wanted['severities'];
  start: number;
  end: number;
  /** Seconds. */
  step: number;
  onZoom: (start: number, end: number) => void;
}

export function LogHistogram({ rows, severities, start, end, step, onZoom }: LogHistogramProps) {
  const [box, { width }] = useSize();
  const bars = useMemo(() => barsOf(rows, severities), [rows, severities]);
  const [pointed, setPointed] = useState<Bar | null>(null);
  const [drag, setDrag] = useState<{ from: number; to: number } | null>(null);
  const pressed = useRef<number | null>(null);
  const most = Math.max(...bars.map((bar) => bar.total), 1);
  const plotHeight = HEIGHT - AXIS;
  const x = (time: number) => ((time - start) / (end - start)) * width;
  const y = (count: number) => plotHeight - (count / most) * (plotHeight - 4);
  const stepMs = step * 1000, barWidth = Math.max(1, x(start + stepMs) - 1);
  const at = (e: PointerEvent<SVGSVGElement>) => e.clientX - e.currentTarget.getBoundingClientRect().left;
  const timeAt = (place: number) => start + (Math.max(0, Math.min(width, place)) / width) * (end - start);

  const move = (e: PointerEvent<SVGSVGElement>) => {
    const place = at(e);
    if (pressed.current === null) {
      const time = timeAt(place);
      setPointed(bars.find((bar) => time >= bar.time && time < bar.time + stepMs) ?? null);
    } else if (drag !== null || Math.abs(place - pressed.current) >= DRAG_FROM) {
      e.currentTarget.setPointerCapture(e.pointerId);
      setDrag({ from: pressed.current, to: place });
    }
  };
  const release = () => {
    if (drag) onZoom(Math.round(timeAt(Math.min(drag.from, drag.to))), Math.round(timeAt(Math.max(drag.from, drag.to))));
    else if (pressed.current !== null && pointed) onZoom(pointed.time, pointed.time + stepMs);
    pressed.current = null;
    setDrag(null);
  };
  const busiest = bars.reduce<Bar | null>((best, bar) => (best === null || bar.total > best.total ? bar : best), null);
  return (
    <div className="log-histogram" ref={box}>
      {width > 0 && (
        <svg
          width={width}
          height={HEIGHT}
          role="img"
          aria-label={`Log lines over time${busiest ? `; most at ${clockTime(busiest.time, false)}: ${busiest.total}` : ''}. The counts by severity are below.`}
          data-testid="log-histogram"
          onPointerDown={(e) => {
            pressed.current = at(e);
          }}
          onPointerMove={move}
          onPointerUp={release}
          onPointerCancel={() => {
            pressed.current = null;
            setDrag(null);
          }}
          onPointerLeave={() => setPointed(null)}
        >
          {bars.map((bar) => (
            <g key={bar.time} className={bar === pointed ? 'pointed' : undefined}>
              {bar.parts.map(({ tone, count, below }) => <rect key={tone} x={Math.max(0, x(bar.time))} width={barWidth} y={y(below + count)} height={Math.max(0.75, y(below) - y(below + count))} className={`tone-${tone}`} fill="currentColor" />)}
            </g>
          ))}
          <line x1={0} x2={width} y1={plotHeight + 0.5} y2={plotHeight + 0.5} className="log-ground" />
          {timeTicks(start, end).map((time) => <text key={time} x={Math.min(width - 24, Math.max(24, x(time)))} y={HEIGHT - 3} textAnchor="middle" className="log-tick">{tickText(time, end - start)}</text>)}
          {drag && <rect x={Math.min(drag.from, drag.to)} width={Math.abs(drag.to - drag.from)} y={0} height={plotHeight} className="log-drag" />}
        </svg>
      )}
      <p className="log-histogram-note soft num" aria-hidden="true">
        {pointed ? `${clockTime(pointed.time, false)} · ${pointed.total.toLocaleString('en-US')} lines` : `up to ${most.toLocaleString('en-US')} in ${stepText(step)}`}
      </p>
    </div>
  );
}

const DAY_MS = 86_400_000;
const tickText = (time: number, length: number): string =>
  length > 2 * DAY_MS ? new Date(time).toLocaleDateString(undefined, { month: 'short', day: 'numeric' }) : clockTime(time, false).slice(0, length < 1_200_000 ? 8 : 5);
const stepText = (seconds: number): string => (seconds < 60 ? `${seconds} s` : seconds < 3600 ? `${seconds / 60} min` : `${seconds / 3600} h`);
