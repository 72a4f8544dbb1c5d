import { ChartLine, Table2 } from 'lucide-react';
import { useState, type ReactNode } from 'react';
import { Loading } from '../../ui/states';
import type { PanelData } from './data';
import type { Panel } from './draft';
import { heightPx } from './layout';
import { PanelBody } from './PanelBody';
import { isCut, lineAndColumn } from '../query/vql/tokens';
import './panel.css';

interface PanelFrameProps {
  panel: Panel;
  /** Undefined as long as it is asked for. */
  data: PanelData | undefined;
  start: number;
  end: number;
  onZoom?: (start: number, end: number) => void;
  /** Tools of the edit mode, in the head. */
  tools?: ReactNode;
  handle?: ReactNode;
}

const HEAD_PX = 34;
const PADDING_PX = 22;

/** A panel: its head, and what its query found. Anything drawn can be read as a table. */
export function PanelFrame({ panel, data, start, end, onZoom, tools, handle }: PanelFrameProps) {
  const [asTable, setAsTable] = useState(false);
  const isDrawn = panel.chart !== 'table';
  const title = panel.title === '' ? 'Untitled' : panel.title;
  return (
    <section className="panel" aria-label={title}>
      <header className="panel-head">
        {handle}
        <h2 title={title}>{title}</h2>
        {data && (data.truncated || isCut(panel.query, data.row_count)) && <span className="panel-note" title="There are more; a LIMIT, fewer names or longer steps would show all"><span className="tone-degraded" aria-hidden="true">▲ </span>first {data.row_count} rows</span>}
        {isDrawn && (
          <button type="button" className="panel-tool" aria-pressed={asTable} aria-label={`${title} as a table`} title={asTable ? 'As a chart' : 'As a table'} onClick={() => setAsTable(!asTable)}>
            {asTable ? <ChartLine aria-hidden="true" size={14} /> : <Table2 aria-hidden="true" size={14} />}
          </button>
        )}
        {tools}
      </header>
      <div className="panel-body">
        {data === undefined
          ? <Loading lines={3} />
          : data.error
            ? <PanelError error={data.error} query={panel.query} />
            : <PanelBody panel={asTable ? { ...panel, chart: 'table' } : panel} data={data} heightPx={heightPx(panel.position.h) - HEAD_PX - PADDING_PX} start={start} end={end} {...(onZoom ? { onZoom } : {})} />}
      </div>
    </section>
  );
}

export function PanelError({ error: { message, hint, position }, query }: { error: NonNullable<PanelData['error']>; query: string }) {
  const place = typeof position === 'number' ? lineAndColumn(query, position) : null;
  return (
    <div className="panel-error" role="alert">
      <p><span className="tone-unhealthy" aria-hidden="true">◆ </span>{message}{place && <span className="soft"> (line {place.line}, column {place.column} of its query)</span>}</p>
      {hint !== null && hint !== undefined && <p className="soft">{hint}</p>}
    </div>
  );
}
