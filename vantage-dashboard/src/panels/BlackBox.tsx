import { useQuery } from '@tanstack/react-query';
import { useEffect, useMemo, useRef, useState } from 'react';
import { useStore } from 'zustand';
import { apiKey, keyRefused } from '../api/apiKey';
import { answer, http } from '../api/client';
import { socketUrl } from '../stream/cityStream';
import { appendLogs, EMPTY_BUFFER, inertText, type KeptLine, type LogBuffer, type LogFilter } from '../stream/logs';
import { openLogStream, type LogStream } from '../stream/logStream';
import { Button } from '../ui/Button';
import { clockTime } from '../ui/format';
import './blackbox.css';
import { levelOf, matchesLine, LEVELS, severitiesOf, type LevelName } from './logLevels';

export interface BlackBoxProps {
  open: boolean;
  /** What the lines are narrowed to. */
  service: string;
  level: LevelName;
  text: string;
  /** Lines up to this moment (epoch ms) instead of live ones. */
  at: number | null;
  onToggle: () => void;
  onFilter: (filter: { service?: string; level?: LevelName; text?: string }) => void;
  onTrace: (traceId: string) => void;
}

const HISTORY = 200;
const ROW_PX = 19;
const OVERSCAN = 8;
const TYPING_PAUSE_MS = 250;

/** The flight recorder: every log line as it arrives, newest at the bottom; of the past, those up to the moment that is shown. */
export function BlackBox({ open, service, level, text, at, onToggle, onFilter, onTrace }: BlackBoxProps) {
  const [paused, setPaused] = useState(false);
  const filter = { service, level, text: useSettled(text) };
  const live = useLiveLogs(filter, paused || at !== null);
  const past = usePastLogs(filter, paused ? null : at);
  const { lines, dropped } = at === null ? live : past;
  const shown = useMemo(() => lines.filter((line) => matchesLine(line, { level, service, text })), [lines, level, service, text]);
  const last = shown.at(-1);
  const isFiltered = service !== '' || level !== 'ALL' || text !== '';
  return (
    <section className="blackbox panel" data-covers data-testid="blackbox" data-open={open} data-own-keys aria-label={at === null ? 'Black Box: live logs' : 'Black Box: logs up to the moment shown'}>
      <header>
        <button type="button" className="blackbox-title" aria-expanded={open} onClick={onToggle}>
          <span aria-hidden="true">{open ? '▾' : '▸'}</span> Black Box
        </button>
        {open ? (
          <>
            <select aria-label="Level" value={level} onChange={(e) => onFilter({ level: e.target.value as LevelName })}>
              {LEVELS.map(({ name, title }) => <option key={name} value={name}>{title}</option>)}
            </select>
            <input aria-label="Service" placeholder="service" value={service} onChange={(e) => onFilter({ service: e.target.value })} />
            <input aria-label="Text" placeholder="text" className="blackbox-text" value={text} onChange={(e) => onFilter({ text: e.target.value })} />
            {isFiltered && <Button aria-label="Clear the filters of the log" title="Clear the filters" onClick={() => onFilter({ service: '', level: 'ALL', text: '' })}>✕</Button>}
            <Button pressed={paused} onClick={() => setPaused(!paused)}>{paused ? 'Paused' : 'Pause'}</Button>
            <span className="blackbox-count soft num">{at !== null && `up to ${clockTime(at, false)} · `}{shown.length} lines{dropped > 0 && `, ${dropped} skipped`}</span>
          </>
        ) : (
          last && <span className="blackbox-last mono" data-testid="blackbox-line"><Line line={last} /></span>
        )}
      </header>
      {open && <Lines lines={shown} onTrace={onTrace} />}
    </section>
  );
}

function Line({ line }: { line: KeptLine }) {
  const { tone, word } = levelOf(line.severity);
  return (
    <>
      <span className="log-time">{clockTime(line.timestamp)}</span>
      <span className={`log-level ${tone}`}>{word}</span>
      <span className="log-service">{inertText(line.service_name)}</span>
      <span className="log-body">{inertText(line.body)}</span>
    </>
  );
}

/** Draws only the lines in view; stays at the end while the reader is there. */
function Lines({ lines, onTrace }: { lines: readonly KeptLine[]; onTrace: (traceId: string) => void }) {
  const box = useRef<HTMLDivElement>(null);
  const [view, setView] = useState({ atEnd: true, top: 0, height: 160 });

  useEffect(() => {
    const element = box.current;
    if (element && view.atEnd) element.scrollTop = element.scrollHeight;
  }, [lines, view.atEnd]);

  const measure = () => {
    const element = box.current;
    if (!element) return;
    const atEnd = element.scrollHeight - element.scrollTop - element.clientHeight < ROW_PX * 1.5;
    setView({ atEnd, top: element.scrollTop, height: element.clientHeight });
  };

  // At the end the newest lines are drawn at once, without waiting to be told of the scrolling.
  const rows = Math.ceil(view.height / ROW_PX) + OVERSCAN;
  const end = view.atEnd ? lines.length : Math.min(lines.length, Math.ceil(view.top / ROW_PX) + rows);
  const first = Math.max(0, view.atEnd ? end - rows : Math.floor(view.top / ROW_PX) - OVERSCAN);
  return (
    <div ref={box} className="blackbox-lines mono" onScroll={measure} tabIndex={0} role="log" aria-live="off" aria-label="Log lines">
      <div style={{ height: lines.length * ROW_PX }}>
        <div style={{ transform: `translateY(${first * ROW_PX}px)` }}>
          {lines.slice(first, end).map((line) =>
            line.trace_id ? (
              <button type="button" key={line.key} className="log-line traced" data-testid="blackbox-line" title="Show its trace" onClick={() => onTrace(line.trace_id!)}><Line line={line} /></button>
            ) : (
              <div key={line.key} className="log-line" data-testid="blackbox-line"><Line line={line} /></div>
            ),
          )}
        </div>
      </div>
      {lines.length === 0 && <p className="soft">No log lines yet.</p>}
    </div>
  );
}

interface Narrowed {
  service: string;
  level: LevelName;
  text: string;
}

const askedFor = ({ service, level, text }: Narrowed) => {
  const severity = severitiesOf(level).join(',');
  return { limit: HISTORY, ...(service !== '' && { service }), ...(text !== '' && { text }), ...(severity !== '' && { severity }) };
};

/** History first, then the live stream, both narrowed by the server; pausing keeps what is on screen. */
function useLiveLogs({ service, level, text }: Narrowed, paused: boolean): LogBuffer {
  const [buffer, setBuffer] = useState<LogBuffer>(EMPTY_BUFFER);
  const stream = useRef<LogStream | null>(null);
  const isPaused = useRef(paused);
  const key = useStore(apiKey, (state) => state.key);

  useEffect(() => {
    isPaused.current = paused;
  }, [paused]);

  useEffect(() => {
    stream.current = openLogStream(
      socketUrl('/ws/logs'),
      key,
      (batch) => {
        if (!isPaused.current) setBuffer((kept) => appendLogs(kept, batch));
      },
      () => keyRefused(key),
    );
    return () => stream.current?.close();
  }, [key]);

  useEffect(() => {
    const abort = new AbortController();
    const filter: LogFilter = {};
    if (service !== '') filter.services = [service];
    if (text !== '') filter.text = text;
    const severities = severitiesOf(level);
    if (severities.length > 0) filter.severities = severities;
    stream.current?.subscribe(filter);
    answer(http.GET('/api/logs', { params: { query: askedFor({ service, level, text }) }, signal: abort.signal })).then(
      ({ logs }) => setBuffer((kept) => appendLogs({ ...EMPTY_BUFFER, nextKey: kept.nextKey }, { lines: logs.reverse(), dropped: 0 })),
      // The live stream goes on without history; the connection notice says when the API is away.
      () => undefined,
    );
    return () => abort.abort();
  }, [service, level, text, key]);

  return buffer;
}

const PAST_MS = 15 * 60_000;

/** The last lines up to a moment. */
function usePastLogs(filter: Narrowed, at: number | null): LogBuffer {
  const { data } = useQuery({
    queryKey: ['past-logs', filter, at],
    queryFn: ({ signal }) => answer(http.GET('/api/logs', { params: { query: { ...askedFor(filter), start: String(at! - PAST_MS), end: String(at) } }, signal })),
    enabled: at !== null,
    // A moment earlier or later of the same log.
    placeholderData: (before) => before,
    gcTime: 30_000,
  });
  return useMemo(() => (data ? appendLogs(EMPTY_BUFFER, { lines: [...data.logs].reverse(), dropped: 0 }) : EMPTY_BUFFER), [data]);
}

/** The value once it stopped changing. */
function useSettled(value: string): string {
  const [settled, setSettled] = useState(value);
  useEffect(() => {
    const timer = window.setTimeout(() => setSettled(value), TYPING_PAUSE_MS);
    return () => window.clearTimeout(timer);
  }, [value]);
  return settled;
}
