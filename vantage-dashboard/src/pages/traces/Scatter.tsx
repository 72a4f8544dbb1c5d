import { useId, useMemo, useRef, useState, type KeyboardEvent, type PointerEvent } from 'react';
import { useNavigate } from 'react-router';
import { useLinkTo } from '../../app/address';
import { inertText } from '../../stream/logs';
import { clockTime, duration } from '../../ui/format';
import { timeTicks } from '../../ui/series';
import { useSize } from '../../ui/useSize';
import { nearest, plot, spanBetween, type Dot, type Found } from './scatter';
import { whenText } from './when';

interface ScatterProps {
  traces: readonly Found[];
  /** Epoch ms. */
  start: number;
  end: number;
  note: string;
  onZoom: (start: number, end: number) => void;
}

const HEIGHT = 150;
const LEFT = 58;
const BOTTOM = 20;
const REACH = 14;
const DRAG_FROM = 5;

/** Every trace a dot: time by duration. The list below it is its twin. */
export function Scatter({ traces, start, end, note, onZoom }: ScatterProps) {
  const [box, { width }] = useSize();
  const [pointed, setPointed] = useState(-1);
  const [drag, setDrag] = useState<{ from: number; to: number } | null>(null);
  const pressed = useRef<number | null>(null);
  const open = useOpenTrace();
  const id = useId();
  const frame = { start, end, width: Math.max(1, width - LEFT - 12), height: HEIGHT - BOTTOM - 10 };
  const { dots, lines } = useMemo(
    () => plot(traces, { start, end, width: frame.width, height: frame.height }),
    [traces, start, end, frame.width, frame.height],
  );
  const dot = dots[pointed];

  const place = (e: PointerEvent<SVGSVGElement>) => {
    const { left, top } = e.currentTarget.getBoundingClientRect();
    return { x: e.clientX - left - LEFT, y: e.clientY - top - 10 };
  };
  const move = (e: PointerEvent<SVGSVGElement>) => {
    const { x, y } = place(e);
    if (pressed.current === null) {
      setPointed(nearest(dots, x, y, REACH));
      return;
    }
    if (drag === null && Math.abs(x - pressed.current) < DRAG_FROM) return;
    e.currentTarget.setPointerCapture(e.pointerId);
    setPointed(-1);
    setDrag({ from: pressed.current, to: x });
  };
  const release = (e: PointerEvent<SVGSVGElement>) => {
    const { x, y } = place(e);
    const hit = dots[nearest(dots, x, y, REACH)];
    if (drag) {
      const chosen = spanBetween(drag.from, drag.to, frame);
      onZoom(chosen.start, chosen.end);
    } else if (hit && pressed.current !== null) open(hit.trace.trace_id);
    leave();
  };
  const leave = () => {
    pressed.current = null;
    setDrag(null);
  };
  const key = (e: KeyboardEvent) => {
    if (e.key === 'ArrowRight') setPointed(Math.min(dots.length - 1, pointed + 1));
    else if (e.key === 'ArrowLeft') setPointed(Math.max(0, pointed - 1));
    else if (e.key === 'Enter' && dot) open(dot.trace.trace_id);
    else if (e.key === 'Escape') setPointed(-1);
    else return;
    e.preventDefault();
  };
  return (
    <div className="scatter" ref={box}>
      {width > 0 && (
        <svg
          width={width}
          height={HEIGHT}
          {...(dots.length > 0 ? { role: 'listbox', tabIndex: 0, 'aria-activedescendant': dot ? `${id}-${pointed}` : undefined } : { role: 'img' })}
          aria-label={`Traces by time and duration. ${note}. Left and right go from trace to trace, Enter opens.`}
          onPointerDown={(e) => {
            pressed.current = place(e).x;
          }}
          onPointerMove={move}
          onPointerUp={release}
          onPointerCancel={leave}
          onPointerLeave={() => drag === null && setPointed(-1)}
          onKeyDown={key}
        >
          <g transform={`translate(${LEFT} 10)`} role="presentation">
            <g aria-hidden="true">
              {lines.map(({ ms, y }) => (
                <g key={ms}>
                  <line x1={0} x2={frame.width} y1={y} y2={y} className="axis-line" />
                  <text x={-8} y={y + 4} textAnchor="end" className="axis-text">{roundDuration(ms)}</text>
                </g>
              ))}
              {timeTicks(start, end).map((time) => (
                <text key={time} x={((time - start) / (end - start)) * frame.width} y={frame.height + 18} textAnchor="middle" className="axis-text">{tickText(time, end - start)}</text>
              ))}
              {drag && <rect x={Math.min(drag.from, drag.to)} width={Math.abs(drag.to - drag.from)} y={0} height={frame.height} className="drag-span" />}
            </g>
            {dots.map((each, i) => <Mark key={each.trace.trace_id} dot={each} id={`${id}-${i}`} isPointed={i === pointed} />)}
          </g>
        </svg>
      )}
      {dot && <Tip dot={dot} width={width} />}
      <p className="scatter-note soft num">{dots.length === 0 ? 'No traces in this range.' : note}</p>
    </div>
  );
}

function Mark({ dot: { trace, x, y }, id, isPointed }: { dot: Dot; id: string; isPointed: boolean }) {
  const failed = trace.error_count > 0, reach = isPointed ? 6 : failed ? 4 : 3;
  const label = `${inertText(trace.service)} ${inertText(trace.name)}, ${duration(trace.duration)}, ${clockTime(trace.start)}${failed ? ', failed' : ''}`;
  return (
    <g id={id} role="option" aria-selected={isPointed} aria-label={label} data-testid="dot" data-trace={trace.trace_id}>
      {failed
        ? <path d={`M${x} ${y - reach}L${x + reach} ${y}L${x} ${y + reach}L${x - reach} ${y}z`} className="dot failed" />
        : <circle cx={x} cy={y} r={reach} className="dot" />}
    </g>
  );
}

const TIP_WIDTH = 260;

function Tip({ dot: { trace, x, y }, width }: { dot: Dot; width: number }) {
  const left = Math.min(Math.max(0, x + LEFT - TIP_WIDTH / 2), Math.max(0, width - TIP_WIDTH));
  return (
    <div className="scatter-tip" style={{ left, top: y + 22, width: TIP_WIDTH }} aria-hidden="true">
      <b>{inertText(trace.service)}</b> {inertText(trace.name)}
      <span className="soft num">{duration(trace.duration)} · {trace.span_count} spans{trace.error_count > 0 && <span className="tone-unhealthy"> · ◆ {trace.error_count} failed</span>} · {whenText(trace.start)}</span>
    </div>
  );
}

function useOpenTrace(): (traceId: string) => void {
  const navigate = useNavigate();
  const linkTo = useLinkTo();
  return (traceId) => void navigate(linkTo(`/traces/${encodeURIComponent(traceId)}`), { state: { search: window.location.search } });
}

/** 10 µs, 1 ms, 10 s: powers of ten need no digits behind the point. */
function roundDuration(ms: number): string {
  if (ms < 1) return `${Math.round(ms * 1000)} µs`;
  return ms < 1000 ? `${ms} ms` : `${ms / 1000} s`;
}

const DAY_MS = 86_400_000;
const tickText = (time: number, lengthMs: number): string =>
  lengthMs > 2 * DAY_MS ? new Date(time).toLocaleDateString(undefined, { month: 'short', day: 'numeric' }) : clockTime(time, false).slice(0, lengthMs < 1_200_000 ? 8 : 5);
