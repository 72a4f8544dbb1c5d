import { useQuery } from '@tanstack/react-query';
import { useEffect, useRef, useState, type ReactNode } from 'react';
import { Link } from 'react-router';
import { answer, http } from '../../api/client';
import type { Api } from '../../api/types';
import { useEnvironment, useLinkTo, useParameters } from '../../app/address';
import { comingBack } from '../../app/queries';
import { useServices } from '../../app/services';
import { inertText } from '../../stream/logs';
import { Button } from '../../ui/Button';
import { clockTime, duration, percent } from '../../ui/format';
import { Answer } from '../../ui/states';
import { severityLook } from '../logs/severity';
import { writeTag } from './search';
import { lengthOf, type Span, type Trace } from './spans';
import { within, writeWindow } from './timeWindow';

interface SpanPanelProps {
  trace: Trace;
  span: Span;
  onClose: () => void;
}

/** All that is known of one span. */
export function SpanPanel({ trace, span, onClose }: SpanPanelProps) {
  const panel = useRef<HTMLElement>(null);
  useEffect(() => {
    // On a phone the panel stands below the tree.
    if (window.matchMedia('(max-width: 1000px)').matches) panel.current?.scrollIntoView({ block: 'nearest' });
  }, []);
  return (
    <aside ref={panel} className="span-panel" aria-label="Span" data-testid="span-panel">
      <header>
        <h2>{span.status === 'error' && <span className="tone-unhealthy">◆ </span>}{inertText(span.name)}</h2>
        <Button className="ghost" aria-label="Close span" onClick={onClose}>✕</Button>
      </header>
      <Links trace={trace} span={span} />
      <dl className="span-facts">
        <Fact name="Service">{inertText(span.service)}</Fact>
        <Fact name="Kind">{span.kind}</Fact>
        <Fact name="Status">{span.status === 'error' ? <span className="tone-unhealthy">◆ failed</span> : span.status === 'ok' ? 'ok' : 'not said'}</Fact>
        <Fact name="Begins">{clockTime(span.start)} <span className="soft">{span.offset === 0 ? 'with the trace' : `${duration(span.offset)} in`}</span></Fact>
        <Fact name="Duration">{duration(span.duration)} <span className="soft">{percent(span.duration / lengthOf(trace))} of the trace</span></Fact>
        <Fact name="Self">{duration(span.self_ms)} <span className="soft">without its {span.children} {span.children === 1 ? 'child' : 'children'}</span></Fact>
        {span.critical_ms > 0 && <Fact name="Critical">{duration(span.critical_ms)} <span className="soft">of the critical path</span></Fact>}
        {span.skew_ms > 0 && <Fact name="Clock"><span className="tone-degraded">◷ off by {duration(span.skew_ms)} or more</span></Fact>}
        <Fact name="Span id"><span className="mono">{inertText(span.span_id)}</span></Fact>
      </dl>
      <Attributes trace={trace} span={span} />
      <SpanLogs trace={trace} span={span} />
    </aside>
  );
}

function Fact({ name, children }: { name: string; children: ReactNode }) {
  return <div><dt className="soft">{name}</dt><dd className="num">{children}</dd></div>;
}

/** Where one goes on from a span. */
function Links({ trace, span }: { trace: Trace; span: Span }) {
  const linkTo = useLinkTo();
  const [, change] = useParameters();
  const environments = useEnvironmentsOf(span.service);
  const total = lengthOf(trace);
  const focus = () => {
    const room = Math.max(span.duration * 0.1, total / 1000);
    change({ window: writeWindow(within({ from: span.offset - room, to: span.offset + span.duration + room }, total), total) || null, tab: null });
  };
  return (
    <p className="span-links">
      <Link to={linkTo(`/services/${encodeURIComponent(span.service)}`)}>Service</Link>
      {environments.map((environment) => (
        <Link key={environment} to={`/?${new URLSearchParams({ service: `${environment}/${span.service}` })}`}>{environments.length > 1 ? `City, ${environment}` : 'City'}</Link>
      ))}
      <Link to={linkTo('/logs', { trace: trace.trace_id, ...around(trace) })}>Logs of the trace</Link>
      <Link to={linkTo('/traces', { service: span.service, operation: span.name })}>Alike</Link>
      <button type="button" className="link" onClick={focus}>Zoom to it</button>
    </p>
  );
}

const AROUND_MS = 60_000;

/** A range that has the whole trace in it, for pages that show ranges. */
const around = (trace: Trace) => ({ start: String(Math.floor(trace.start - AROUND_MS)), end: String(Math.ceil(trace.start + lengthOf(trace) + AROUND_MS)) });

/** A trace does not say where it ran; the services of that name do. */
function useEnvironmentsOf(service: string): string[] {
  const [environment] = useEnvironment();
  const { data } = useServices();
  const known = (data?.services ?? []).filter((each) => each.service_name === service).map((each) => each.environment);
  return known.includes(environment) ? [environment] : known;
}

function Attributes({ trace, span }: { trace: Trace; span: Span }) {
  const linkTo = useLinkTo();
  // The tree has no attributes; the flat list has those of every span.
  const spans = useQuery({
    queryKey: ['trace', trace.trace_id, 'spans'],
    queryFn: ({ signal }) => answer(http.GET('/traces/', { params: { query: { trace_id: trace.trace_id, start: String(Math.floor(trace.start)) } }, signal })),
    staleTime: Infinity,
    refetchInterval: comingBack(false),
  });
  return (
    <section className="span-part">
      <h3>Attributes</h3>
      <Answer of={spans} loading={<p className="soft" role="status">Loading…</p>}>
        {(data) => {
          const attributes = Object.entries(data.find(({ span_id }) => span_id === span.span_id)?.attributes ?? {}).sort(([a], [b]) => a.localeCompare(b));
          if (attributes.length === 0) return <p className="soft">It has none.</p>;
          return (
            <dl className="span-attributes mono">
              {attributes.map(([key, value]) => (
                <div key={key}>
                  <dt className="soft">{inertText(key)}</dt>
                  <dd>{inertText(value)} <Link className="attribute-find" to={linkTo('/traces', { tags: writeTag(key, value) })} aria-label={`Find traces with ${inertText(key)} ${inertText(value)}`}>⌕</Link></dd>
                </div>
              ))}
            </dl>
          );
        }}
      </Answer>
    </section>
  );
}

const NEAR_MS = 1000;
const MOST_LINES = 100;

function useSpanLogs(trace: Trace, span: Span, nearMs: number, isAsked: boolean) {
  return useQuery({
    queryKey: ['trace', trace.trace_id, 'logs', span.span_id, nearMs],
    queryFn: ({ signal }) => answer(http.GET('/traces/{trace_id}/logs', { params: { path: { trace_id: trace.trace_id }, query: { span_id: span.span_id, near_ms: nearMs, limit: MOST_LINES } }, signal })),
    enabled: isAsked,
    refetchInterval: comingBack(false),
  });
}

const ASKING = <p className="soft" role="status">Loading…</p>;

function SpanLogs({ trace, span }: { trace: Trace; span: Span }) {
  const [wantsNear, setWantsNear] = useState(false);
  const own = useSpanLogs(trace, span, 0, true), near = useSpanLogs(trace, span, NEAR_MS, wantsNear);
  return (
    <section className="span-part">
      <h3>Log lines</h3>
      <Answer of={own} loading={ASKING}>
        {({ logs, truncated }) => (
          <>
            {logs.length === 0 ? <p className="soft">None names this span.</p> : <Lines lines={logs} />}
            {truncated && <p className="soft">There are more; the Logs page has all.</p>}
          </>
        )}
      </Answer>
      <details onToggle={(e) => setWantsNear(e.currentTarget.open)}>
        <summary>What its process logged within {duration(NEAR_MS)}</summary>
        {wantsNear && <Answer of={near} loading={ASKING}>{({ logs }) => (logs.length === 0 ? <p className="soft">Nothing.</p> : <Lines lines={logs} />)}</Answer>}
      </details>
    </section>
  );
}

function Lines({ lines }: { lines: readonly Api<'TraceLogLine'>[] }) {
  return (
    <ul className="span-logs mono">
      {lines.map((line, i) => {
        const { tone, word, glyph } = severityLook(line.severity);
        return <li key={i}><span className="soft">{clockTime(line.timestamp)}</span> <span className={`tone-${tone}`}><span aria-hidden="true">{glyph}</span> {word}</span> {inertText(line.body)}</li>;
      })}
    </ul>
  );
}
