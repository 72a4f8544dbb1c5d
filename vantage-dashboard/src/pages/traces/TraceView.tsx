import { useQuery } from '@tanstack/react-query';
import { useCallback, useMemo, useState, type ReactNode } from 'react';
import { Link, useLocation } from 'react-router';
import { answer, http } from '../../api/client';
import { useLinkTo, useParameters } from '../../app/address';
import { comingBack } from '../../app/queries';
import { inertText } from '../../stream/logs';
import { duration } from '../../ui/format';
import { Page } from '../../ui/Page';
import { seriesColor } from '../../ui/series';
import { Answer } from '../../ui/states';
import { Tabs } from '../../ui/Tabs';
import { FlameGraph } from './FlameGraph';
import { SpanPanel } from './SpanPanel';
import type { Trace } from './spans';
import { TraceMap } from './TraceMap';
import { Waterfall } from './Waterfall';
import { whenText } from './when';

const MOST_SPANS = 10_000;
const TABS = [{ name: 'waterfall', title: 'Waterfall' }, { name: 'flame', title: 'Flame graph' }, { name: 'map', title: 'Service map' }] as const;

/** One trace. */
export function TraceView({ traceId }: { traceId: string }) {
  const trace = useQuery({
    queryKey: ['trace', traceId, 'tree'],
    queryFn: ({ signal }) => answer(http.GET('/traces/{trace_id}', { params: { path: { trace_id: traceId }, query: { limit: MOST_SPANS } }, signal })),
    refetchInterval: comingBack(false),
  });
  const main = trace.data?.spans.find((span) => span.span_id === trace.data.main_span_id);
  return (
    <Page title={<TraceTitle service={main?.service} name={main?.name} />} tools={<span className="mono soft trace-id" title="Trace id">{inertText(traceId)}</span>}>
      <Answer of={trace}>{(data) => <Views trace={data} />}</Answer>
    </Page>
  );
}

function TraceTitle({ service = '', name = 'Trace' }: { service?: string | undefined; name?: string | undefined }) {
  const linkTo = useLinkTo();
  const state = useLocation().state as { search?: string } | null;
  // Changes of the address forget where one came from.
  const [search] = useState(state?.search);
  return (
    <>
      <Link className="trace-back" to={search === undefined ? linkTo('/traces') : `/traces${search}`} aria-label="Back to all traces">←</Link>
      {service !== '' && <span className="soft">{inertText(service)} </span>}
      {inertText(name)}
    </>
  );
}

function Views({ trace }: { trace: Trace }) {
  const [parameters, change] = useParameters();
  const tab = TABS.find(({ name }) => name === parameters.get('tab'))?.name ?? 'waterfall';
  const selected = parameters.get('span');
  const span = trace.spans.find(({ span_id }) => span_id === selected);
  const select = useCallback((spanId: string | null) => change({ span: spanId }), [change]);
  const colors = useMemo(() => new Map(trace.services.map(({ service }, i) => [service, seriesColor(i)])), [trace]);
  return (
    <>
      <TraceHead trace={trace} colors={colors} onSelect={select} />
      <Tabs label="Views of the trace" tabs={TABS} value={tab} onChange={(name) => change({ tab: name === 'waterfall' ? null : name })}>
        <div className="trace-views" data-with-panel={span !== undefined || undefined}>
          <div className="trace-views-main">
            {tab === 'waterfall' && <Waterfall trace={trace} colors={colors} selected={span?.span_id ?? null} onSelect={select} />}
            {tab === 'flame' && <FlameGraph trace={trace} colors={colors} onSelect={select} />}
            {tab === 'map' && <TraceMap trace={trace} />}
          </div>
          {span !== undefined && <SpanPanel key={span.span_id} trace={trace} span={span} onClose={() => select(null)} />}
        </div>
      </Tabs>
    </>
  );
}

const MOST_ERRORS = 5;

/** What a glance should tell: how long, how much, whose, and what failed first. */
function TraceHead({ trace, colors, onSelect }: { trace: Trace; colors: ReadonlyMap<string, string>; onSelect: (spanId: string) => void }) {
  const origins = trace.errors.filter((error) => error.is_origin);
  return (
    <header className="trace-head">
      <dl className="trace-facts">
        <Fact name="Duration">{duration(trace.duration)}</Fact>
        <Fact name="Spans">{trace.span_count.toLocaleString('en-US')}</Fact>
        <Fact name="Services">{trace.services.length}</Fact>
        <Fact name="Errors">{trace.error_count === 0 ? 'none' : <span className="tone-unhealthy">◆ {trace.error_count}</span>}</Fact>
        <Fact name="Began">{whenText(trace.start)}</Fact>
      </dl>
      <ServiceShares trace={trace} colors={colors} />
      {origins.length > 0 && (
        <p className="trace-origins">
          <span className="tone-unhealthy"><span aria-hidden="true">◆ </span>Failed first:</span>
          {origins.slice(0, MOST_ERRORS).map((error) => (
            <button key={error.span_id} type="button" className="link" onClick={() => onSelect(error.span_id)}>{inertText(error.service)} {inertText(error.name)}</button>
          ))}
          {origins.length > MOST_ERRORS && <span className="soft">and {origins.length - MOST_ERRORS} more</span>}
        </p>
      )}
      {trace.truncated && <p className="trace-note" role="status"><span className="tone-degraded" aria-hidden="true">▲ </span>The trace has more spans than are shown; these are the earliest {trace.spans.length.toLocaleString('en-US')}.</p>}
      {trace.orphan_count > 0 && <p className="trace-note" role="status"><span className="tone-degraded" aria-hidden="true">▲ </span>{trace.orphan_count} {trace.orphan_count === 1 ? 'span names a parent' : 'spans name parents'} that did not arrive. They stand at the top.</p>}
      {trace.root_count > 1 && <p className="trace-note soft">{trace.root_count} spans have no parent. The facts above are of all of them.</p>}
    </header>
  );
}

function Fact({ name, children }: { name: string; children: ReactNode }) {
  return <div><dt>{name}</dt><dd className="num">{children}</dd></div>;
}

const MOST_SHARES = 6;

/** Who the critical path waited for: a bar of shares, and the same in words. */
function ServiceShares({ trace, colors }: { trace: Trace; colors: ReadonlyMap<string, string> }) {
  const shares = [...trace.services].filter((each) => each.critical_share > 0).sort((a, b) => b.critical_share - a.critical_share);
  if (shares.length === 0) return null;
  const rest = shares.slice(MOST_SHARES).reduce((sum, each) => sum + each.critical_share, 0);
  return (
    <div className="trace-shares">
      <span className="soft">Critical path</span>
      <span className="share-bar" aria-hidden="true">
        {shares.map(({ service, critical_share }) => <span key={service} style={{ flexGrow: critical_share, background: colors.get(service) }} />)}
      </span>
      <ul>
        {shares.slice(0, MOST_SHARES).map(({ service, critical_share, critical_ms }) => (
          <li key={service} title={duration(critical_ms)}><span className="swatch" style={{ background: colors.get(service) }} aria-hidden="true" />{inertText(service)} <span className="soft num">{Math.round(critical_share * 100)}%</span></li>
        ))}
        {rest > 0 && <li className="soft num">{shares.length - MOST_SHARES} more {Math.round(rest * 100)}%</li>}
      </ul>
    </div>
  );
}
