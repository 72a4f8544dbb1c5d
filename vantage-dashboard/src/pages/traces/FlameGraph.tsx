import { useId, useMemo, useState, type CSSProperties, type KeyboardEvent } from 'react';
import { useParameter, useParameters } from '../../app/address';
import { inertText } from '../../stream/logs';
import { Button } from '../../ui/Button';
import { DataTable } from '../../ui/DataTable';
import { duration } from '../../ui/format';
import type { Column } from '../../ui/sortedRows';
import { useSize } from '../../ui/useSize';
import { icicle } from './flame';
import { criticalSteps, familyOf, lengthOf, workOf, type Span, type Trace, type Work } from './spans';
import { placed, ticksOf } from './timeWindow';

const ROW_PX = 24;
/** Narrower blocks are left out: they could be neither read nor hit. */
const LEAST_PX = 1;
/** With less room than this there is no name in a block. */
const NAME_PX = 36;

interface FlameGraphProps {
  trace: Trace;
  colors: ReadonlyMap<string, string>;
  onSelect: (spanId: string) => void;
}

/** The trace as an icicle; what is clicked is shown as wide as there is room, with what stands above and below it. */
export function FlameGraph({ trace, colors, onSelect }: FlameGraphProps) {
  const [parameters, change] = useParameters();
  const zoomedTo = parameters.get('zoom');
  const { spans, above, view } = useMemo(() => shownPart(trace, zoomedTo), [trace, zoomedTo]);
  const blocks = useMemo(() => icicle(spans), [spans]);
  const steps = useMemo(() => criticalSteps(trace), [trace]);
  const [box, { width }] = useSize();
  const [active, setActive] = useState<string | null>(null);
  const id = useId();
  const seen = useMemo(
    () =>
      blocks.flatMap(({ span, row }) => {
        const place = placed(span.offset, span.duration, view);
        return place && (place.width / 100) * width >= LEAST_PX ? [{ span, row, place }] : [];
      }),
    [blocks, view, width],
  );
  const rowCount = 1 + seen.reduce((most, { row }) => Math.max(most, row), 0);
  const current = seen.find(({ span }) => span.span_id === active) ?? seen[0];

  const zoomTo = (span: Span) => {
    const isTop = span.depth === 0 && trace.root_count + trace.orphan_count <= 1;
    change({ zoom: isTop ? null : span.span_id, span: span.span_id });
    setActive(span.span_id);
  };
  const back = () => {
    const parent = above.at(-1);
    change({ zoom: parent === undefined || (parent.depth === 0 && above.length === 1) ? null : parent.span_id });
  };
  const key = (e: KeyboardEvent) => {
    const at = current && blocks.findIndex(({ span }) => span === current.span);
    if (at === undefined || !current) return;
    const sameRow = seen.filter(({ row }) => row === current.row).sort((a, b) => a.place.left - b.place.left);
    const side = (step: number) => sameRow[sameRow.indexOf(current) + step]?.span;
    const target: Record<string, () => Span | undefined> = {
      ArrowDown: () => seen.find(({ span, row }) => row > current.row && span.offset + span.duration >= current.span.offset && span.offset <= current.span.offset + current.span.duration)?.span,
      ArrowUp: () => seen.findLast(({ span, row }) => row < current.row && span.depth < current.span.depth && span.offset <= current.span.offset + current.span.duration && span.offset + span.duration >= current.span.offset)?.span,
      ArrowRight: () => side(1),
      ArrowLeft: () => side(-1),
    };
    const find = target[e.key];
    if (find) setActive(find()?.span_id ?? current.span.span_id);
    else if (e.key === 'Enter' || e.key === ' ') zoomTo(current.span);
    else if (e.key === 'Escape' && zoomedTo !== null) back();
    else return;
    e.preventDefault();
  };
  return (
    <section aria-label="Flame graph">
      <div className="waterfall-tools">
        <Button disabled={zoomedTo === null} onClick={back}>Back</Button>
        <Button disabled={zoomedTo === null} onClick={() => change({ zoom: null })}>Whole trace</Button>
        <span className="waterfall-legend soft"><span className="critical-sample" aria-hidden="true" /> critical path <span className="failed-sample" aria-hidden="true" /> failed</span>
      </div>
      <div className="flame-axis" aria-hidden="true">
        {ticksOf(view).map((tick) => {
          const place = placed(tick, 0, view);
          return place && place.left < 95 && <span key={tick} style={{ left: `${place.left}%` }}>{tick === 0 ? '0' : duration(tick)}</span>;
        })}
      </div>
      <div ref={box} className="flame" role="tree" tabIndex={0} aria-label="Spans by depth and time. The arrow keys go from span to span, Enter zooms into one, Escape goes back. The table below has the same." aria-activedescendant={current && `${id}-${current.span.span_id}`} style={{ height: rowCount * ROW_PX }} onKeyDown={key} data-testid="flame">
        {seen.map(({ span, row, place }) => (
          <div
            key={span.span_id}
            id={`${id}-${span.span_id}`}
            role="treeitem"
            aria-level={span.depth + 1}
            aria-selected={span.span_id === zoomedTo}
            aria-label={`${inertText(span.name)} ${inertText(span.service)} ${duration(span.duration)}${span.status === 'error' ? ' failed' : ''}`}
            title={`${inertText(span.service)} ${inertText(span.name)} · ${duration(span.duration)}`}
            className={span.status === 'error' ? 'flame-block failed' : 'flame-block'}
            data-testid="flame-block"
            data-active={span.span_id === current?.span.span_id || undefined}
            data-critical={steps.has(span.span_id) || undefined}
            style={{ left: `${place.left}%`, width: `${place.width}%`, top: row * ROW_PX, '--color': colors.get(span.service) } as CSSProperties}
            onClick={() => zoomTo(span)}
            onDoubleClick={() => onSelect(span.span_id)}
          >
            {(place.width / 100) * width >= NAME_PX && <span>{span.status === 'error' && <span aria-hidden="true">◆ </span>}{inertText(span.name)} <span className="flame-service">{inertText(span.service)}</span></span>}
          </div>
        ))}
      </div>
      {seen.length < blocks.length && <p className="soft num">{blocks.length - seen.length} spans are too short to be drawn at this scale; zooming in shows them.</p>}
      <WorkTable spans={spans} colors={colors} />
    </section>
  );
}

/** The whole trace, or one span with all below it, and those above it. */
function shownPart(trace: Trace, zoomedTo: string | null) {
  const part = zoomedTo === null ? null : familyOf(trace.spans, zoomedTo);
  const top = part?.family[0];
  if (!part || !top) return { spans: trace.spans, above: [], view: { from: 0, to: lengthOf(trace) } };
  return { spans: [...part.above, ...part.family], above: part.above, view: { from: top.offset, to: top.offset + Math.max(top.duration, 1e-3) } };
}

/** The flame graph as numbers: what was done, how often, and how long it took. */
function WorkTable({ spans, colors }: { spans: readonly Span[]; colors: ReadonlyMap<string, string> }) {
  const [sort, setSort] = useParameter('sort', '-self');
  const rows = useMemo(() => workOf(spans), [spans]);
  const columns: Column<Work>[] = [
    { key: 'name', title: 'Operation', cell: ({ service, name }) => <><span className="swatch" style={{ background: colors.get(service) }} /> {inertText(service)} <span className="soft">{inertText(name)}</span></>, sortBy: ({ service, name }) => `${service} ${name}` },
    { key: 'calls', title: 'Spans', cell: (work) => work.calls, sortBy: (work) => work.calls, numeric: true },
    { key: 'errors', title: 'Failed', cell: (work) => (work.errors > 0 ? <span className="tone-unhealthy">◆ {work.errors}</span> : '0'), sortBy: (work) => work.errors, numeric: true },
    { key: 'self', title: 'Self', cell: (work) => duration(work.self_ms), sortBy: (work) => work.self_ms, numeric: true },
    { key: 'critical', title: 'Critical', cell: (work) => duration(work.critical_ms), sortBy: (work) => work.critical_ms, numeric: true, wide: true },
    { key: 'total', title: 'Total', cell: (work) => duration(work.total_ms), sortBy: (work) => work.total_ms, numeric: true, wide: true },
    { key: 'max', title: 'Longest', cell: (work) => duration(work.max_ms), sortBy: (work) => work.max_ms, numeric: true },
  ];
  return <div className="work-table"><DataTable caption="Where the time went" columns={columns} rows={rows} rowKey={(row) => row.key} sort={sort} onSort={setSort} /></div>;
}
