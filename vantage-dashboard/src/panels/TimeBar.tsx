import { ChevronLeft, ChevronRight, Pause, Play } from 'lucide-react';
import { memo, useEffect, useMemo, useRef, useState, type KeyboardEvent, type PointerEvent, type ReactNode } from 'react';
import { Button } from '../ui/Button';
import { Select } from '../ui/Field';
import { clockTime, percent } from '../ui/format';
import { timeTicks } from '../ui/series';
import { eventLook, type CityEvent } from '../world/events';
import { SPEEDS } from '../world/player';
import { fractionOf, marksOf, timeAt, toneOf, type HistoryPoint, type Mark, type Span } from '../world/timeline';
import './timebar.css';

export interface TimeBarProps {
  span: Span;
  now: number;
  /** The moment that is looked at; null is now. */
  at: number | null;
  playing: boolean;
  speed: number;
  /** How finely the past is stored around here. */
  stepMs: number;
  /** Length of a step of the history. */
  historyStepMs: number;
  history: readonly HistoryPoint[];
  events: readonly CityEvent[];
  tools?: ReactNode;
  /** `done` is false while the handle is being dragged. */
  onSeek: (at: number, done: boolean) => void;
  onPlay: (playing: boolean) => void;
  onSpeed: (speed: number) => void;
  onLive: () => void;
}

/** What a mark takes of the bar, in CSS pixels. */
const MARK_PX = 16;
const PAGE_SHARE = 1 / 12;

/** The stored time as a bar: how the fleet was, what happened, and a handle to go there. */
export function TimeBar({ span, now, at, playing, speed, stepMs, historyStepMs, history, events, tools, onSeek, onPlay, onSpeed, onLive }: TimeBarProps) {
  const track = useRef<HTMLDivElement>(null);
  const width = useWidth(track);
  const [dragged, setDragged] = useState<number | null>(null);
  const [pointed, setPointed] = useState<number | null>(null);
  const shown = dragged ?? at ?? now;
  const marks = useMemo(() => marksOf(events, span, MARK_PX / Math.max(1, width)), [events, span, width]);

  const timeUnder = (e: PointerEvent) => {
    const box = track.current!.getBoundingClientRect();
    return Math.min(timeAt((e.clientX - box.left) / box.width, span), now);
  };
  const pointerDown = (e: PointerEvent<HTMLDivElement>) => {
    if (e.button !== 0) return;
    e.currentTarget.setPointerCapture(e.pointerId);
    const time = timeUnder(e);
    setDragged(time);
    onSeek(time, false);
  };
  const pointerMove = (e: PointerEvent) => {
    const time = timeUnder(e);
    setPointed(time);
    if (dragged === null) return;
    setDragged(time);
    onSeek(time, false);
  };
  const drop = () => {
    if (dragged === null) return;
    setDragged(null);
    onSeek(dragged, true);
  };
  const step = (steps: number) => onSeek(Math.min(now, (Math.floor(shown / stepMs) + steps) * stepMs), true);

  const keyDown = (e: KeyboardEvent) => {
    const page = Math.max(1, Math.round(((span.end - span.start) * PAGE_SHARE) / stepMs));
    const keys: Record<string, () => void> = {
      ArrowLeft: () => step(e.shiftKey ? -page : -1),
      ArrowDown: () => step(-1),
      ArrowRight: () => step(e.shiftKey ? page : 1),
      ArrowUp: () => step(1),
      PageDown: () => step(-page),
      PageUp: () => step(page),
      Home: () => onSeek(span.start, true),
      End: onLive,
      ' ': () => onPlay(!playing),
    };
    const run = keys[e.key];
    if (!run) return;
    e.preventDefault();
    run();
  };

  return (
    <section className="timebar panel" data-covers data-own-keys data-past={at !== null || undefined} aria-label="Time" data-testid="timebar">
      <div className="timebar-buttons">
        <Button className="timebar-play" aria-label={playing ? 'Pause' : at === null ? 'Replay this time' : 'Play'} title={playing ? 'Pause (Space)' : 'Play (Space)'} onClick={() => onPlay(!playing)}>
          {playing ? <Pause aria-hidden="true" size={15} /> : <Play aria-hidden="true" size={15} />}
        </Button>
        <Button className="timebar-step" aria-label={`Back ${stepMs / 1000} seconds`} title="Back one step (←)" onClick={() => step(-1)}><ChevronLeft aria-hidden="true" size={15} /></Button>
        <Button className="timebar-step" aria-label={`Forward ${stepMs / 1000} seconds`} title="On by one step (→)" disabled={at === null} onClick={() => step(1)}><ChevronRight aria-hidden="true" size={15} /></Button>
        <Select label="Speed" value={String(speed)} options={SPEEDS.map((each) => ({ value: String(each), text: `${each}×` }))} onChange={(value) => onSpeed(Number(value))} />
      </div>
      <div className="timebar-middle">
        <Marks marks={marks} onSeek={onSeek} />
        <div
          ref={track}
          className="timebar-track"
          role="slider"
          tabIndex={0}
          aria-label="Moment shown"
          aria-valuemin={Math.round(span.start)}
          aria-valuemax={Math.round(now)}
          aria-valuenow={Math.round(shown)}
          aria-valuetext={at === null && dragged === null ? 'now, live' : wordsAt(shown, history, historyStepMs)}
          data-testid="timebar-track"
          onPointerDown={pointerDown}
          onPointerMove={pointerMove}
          onPointerUp={drop}
          onPointerCancel={drop}
          onPointerLeave={() => setPointed(null)}
          onKeyDown={keyDown}
        >
          <Picture span={span} history={history} stepMs={historyStepMs} />
          <span className="timebar-handle" style={{ left: `${fractionOf(shown, span) * 100}%` }} />
          {(dragged ?? pointed) !== null && <Tip at={(dragged ?? pointed)!} span={span} history={history} stepMs={historyStepMs} />}
        </div>
        <Ticks span={span} />
      </div>
      <div className="timebar-end">
        <Button className="timebar-live" pressed={at === null} data-testid="timebar-live" title="Back to now (End)" onClick={onLive}><span aria-hidden="true">●</span> Live</Button>
        {tools}
      </div>
    </section>
  );
}

/** Smaller shares of errors than this do not fill the bar, even where there are no larger ones. */
const LEAST_ERRORS = 0.02;

/** Errors grow from the ground, the worst status lies below as a band whose height tells it, too; the line is the health. */
const Picture = memo(function Picture({ span, history, stepMs }: { span: Span; history: readonly HistoryPoint[]; stepMs: number }) {
  const worst = Math.max(LEAST_ERRORS, ...history.map(({ error_ratio }) => error_ratio ?? 0));
  const share = (stepMs / (span.end - span.start)) * 100;
  const x = (time: number) => ((time - span.start) / (span.end - span.start)) * 100;
  const line = history.map(({ timestamp, health_score }) => (health_score === null ? null : `${(x(timestamp) + share / 2).toFixed(2)},${(2 + (100 - health_score) * 0.22).toFixed(2)}`));
  return (
    <svg className="timebar-picture" viewBox="0 0 100 30" preserveAspectRatio="none" aria-hidden="true">
      {history.map((point) => {
        const tone = toneOf(point), left = x(point.timestamp), errors = ((point.error_ratio ?? 0) / worst) * 22;
        const band = { unknown: 0, healthy: 1.2, degraded: 2.6, unhealthy: 4 }[tone];
        return (
          <g key={point.timestamp}>
            {errors > 0.4 && <rect className="timebar-errors" x={left} y={25 - errors} width={share * 0.9} height={errors} />}
            <rect className={`fill-${tone}`} x={left} y={30 - band} width={share * 0.96} height={band} />
          </g>
        );
      })}
      {segments(line).map((points) => <polyline key={points} className="timebar-health" points={points} />)}
    </svg>
  );
});

/** A gap stays a gap. */
function segments(points: readonly (string | null)[]): string[] {
  const found: string[][] = [[]];
  for (const point of points) {
    if (point === null) found.push([]);
    else found.at(-1)!.push(point);
  }
  return found.filter((each) => each.length > 1).map((each) => each.join(' '));
}

const Marks = memo(function Marks({ marks, onSeek }: { marks: readonly Mark[]; onSeek: TimeBarProps['onSeek'] }) {
  return (
    <ul className="timebar-marks" aria-label="What happened">
      {marks.map((mark) => {
        const { glyph, tone } = eventLook(mark.events[0]!.kind);
        const words = wordsOf(mark);
        return (
          <li key={mark.events[0]!.key} style={{ left: `${mark.place * 100}%` }}>
            <button type="button" className={`timebar-mark tone-${tone}`} data-kind={mark.events[0]!.kind} aria-label={words} title={words} onClick={() => onSeek(mark.at, true)}>
              <span aria-hidden="true">{glyph}</span>
            </button>
          </li>
        );
      })}
    </ul>
  );
});

const WORDS_SHOWN = 4;

function wordsOf({ events }: Mark): string {
  const told = events.slice(0, WORDS_SHOWN).map(({ at, words }) => `${clockTime(at, false)} ${words}`);
  if (events.length > WORDS_SHOWN) told.push(`and ${events.length - WORDS_SHOWN} more`);
  return told.join('\n');
}

const Ticks = memo(function Ticks({ span }: { span: Span }) {
  const isLong = span.end - span.start > 86_400_000;
  const format = new Intl.DateTimeFormat(undefined, isLong ? { month: 'short', day: 'numeric', hour: '2-digit', minute: '2-digit', hour12: false } : { hour: '2-digit', minute: '2-digit', hour12: false });
  return (
    <div className="timebar-ticks num" aria-hidden="true">
      {timeTicks(span.start, span.end).map((tick) => <span key={tick} style={{ left: `${fractionOf(tick, span) * 100}%` }}>{format.format(tick)}</span>)}
    </div>
  );
});

function Tip({ at, span, history, stepMs }: { at: number; span: Span; history: readonly HistoryPoint[]; stepMs: number }) {
  const place = fractionOf(at, span);
  return <span className="timebar-tip panel num" style={{ left: `${Math.min(0.9, Math.max(0.1, place)) * 100}%` }} aria-hidden="true">{wordsAt(at, history, stepMs)}</span>;
}

function wordsAt(at: number, history: readonly HistoryPoint[], stepMs: number): string {
  const point = history.find(({ timestamp }) => at >= timestamp && at < timestamp + stepMs);
  const time = clockTime(at, false);
  if (!point || point.requests === 0) return `${time}, nothing was requested`;
  const unwell = ['UNHEALTHY', 'DEGRADED'].flatMap((status) => ((point.statuses[status] ?? 0) > 0 ? [`${point.statuses[status]} ${status.toLowerCase()}`] : []));
  return [time, `health ${point.health_score ?? '–'}`, `${percent(point.error_ratio)} errors`, ...unwell].join(', ');
}

function useWidth(of: React.RefObject<HTMLElement | null>): number {
  const [width, setWidth] = useState(800);
  useEffect(() => {
    const element = of.current;
    if (!element) return;
    const observer = new ResizeObserver(([entry]) => setWidth(entry?.contentRect.width ?? 800));
    observer.observe(element);
    return () => observer.disconnect();
  }, [of]);
  return width;
}
