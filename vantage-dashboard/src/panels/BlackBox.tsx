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
import { levelOf, matchesLine, LEVELS, type LevelName } from './logLevels';

export interface BlackBoxProps {
  open: boolean;
  service: string;
  onToggle: () => void;
  onService: (service: string) => void;
  onTrace: (traceId: string) => void;
}

const HISTORY = 200;
const ROW_PX = 19;
const OVERSCAN = 8;
const TYPING_PAUSE_MS = 250;

/** The flight recorder: every log line as it arrives, newest at the bottom. */
export function BlackBox({ open, service, onToggle, onService, onTrace }: BlackBoxProps) {
  const [level, setLevel] = useState<LevelName>('ALL');
  const [text, setText] = useState('');
  const [paused, setPaused] = useState(false);
  const { lines, dropped } = useLogs(service, useSettled(text), paused);
  const shown = useMemo(() => lines.filter((line) => matchesLine(line, { level, service, text })), [lines, level, service, text]);
  const last = shown.at(-1);
  return (
    <section className="blackbox panel" data-covers data-testid="blackbox" data-open={open} data-own-keys aria-label="Black Box: live logs">
      <header>
        <button type="button" className="blackbox-title" aria-expanded={open} onClick={onToggle}>
          <span aria-hidden="true">{open ? '▾' : '▸'}</span> Black Box
        </button>
        {open ? (
          <>
            <select aria-label="Level" value={level} onChange={(e) => setLevel(e.target.value as LevelName)}>
              {LEVELS.map(({ name, title }) => <option key={name} value={name}>{title}</option>)}
            </select>
            <input aria-label="Service" placeholder="service" value={service} onChange={(e) => onService(e.target.value)} />
            <input aria-label="Text" placeholder="text" className="blackbox-text" value={text} onChange={(e) => setText(e.target.value)} />
            <Button pressed={paused} onClick={() => setPaused(!paused)}>{paused ? 'Paused' : 'Pause'}</Button>
            <span className="blackbox-count soft num">{shown.length} lines{dropped > 0 && `, ${dropped} skipped`}</span>
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

/** History first, then the live stream, both narrowed by the server; pausing keeps what is on screen. */
function useLogs(service: string, text: string, paused: boolean): LogBuffer {
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
    stream.current?.subscribe(filter);
    const query = { limit: HISTORY, ...(service !== '' && { service }), ...(text !== '' && { text }) };
    answer(http.GET('/api/logs', { params: { query }, signal: abort.signal })).then(
      ({ logs }) => setBuffer((kept) => appendLogs({ ...EMPTY_BUFFER, nextKey: kept.nextKey }, { lines: logs.reverse(), dropped: 0 })),
      // The live stream goes on without history; the connection notice says when the API is away.
      () => undefined,
    );
    return () => abort.abort();
  }, [service, text, key]);

  return buffer;
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
