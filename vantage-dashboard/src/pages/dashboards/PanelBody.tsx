import { useMemo, useState } from 'react';
import { BarList } from '../query/results/BarList';
import { ResultTable } from '../query/results/ResultTable';
import { SeriesView } from '../query/results/SeriesView';
import { barsOf, guessRoles, hasBars, hasTime, seriesOf } from '../query/results/shape';
import type { Panel } from './draft';
import { HeatMap } from './HeatMap';
import { heatOf } from './heat';
import { NumberView } from './NumberView';
import { unitFormat } from './units';
import type { PanelData } from './data';

interface PanelBodyProps {
  panel: Pick<Panel, 'title' | 'chart' | 'options'>;
  data: Pick<PanelData, 'columns' | 'rows'>;
  heightPx: number;
  start: number;
  end: number;
  onZoom?: (start: number, end: number) => void;
}

const LEGEND_PX = 30;

/** Rows as the panel's chart draws them, or as a table where they cannot be drawn like that. */
export function PanelBody({ panel: { title, chart, options }, data, heightPx, start, end, onZoom }: PanelBodyProps) {
  const [sort, setSort] = useState('');
  const roles = useMemo(() => guessRoles(data.columns), [data.columns]);
  const isOverTime = hasTime(roles) && (chart === 'line' || chart === 'area' || chart === 'bar');
  const drawn = useMemo(() => (isOverTime ? seriesOf(data, roles) : null), [isOverTime, data, roles]);
  const heat = useMemo(() => (chart === 'heatmap' ? heatOf(data, roles) : null), [chart, data, roles]);
  const format = unitFormat(options['unit']);
  if (data.rows.length === 0) return <p className="panel-empty soft">Nothing in this range.</p>;
  if (drawn && chart !== 'table' && chart !== 'number' && chart !== 'heatmap')
    return <SeriesView drawn={drawn} label={title} kind={chart} format={format} height={heightPx - LEGEND_PX} start={start} end={end} {...(onZoom ? { onZoom } : {})} />;
  if (chart === 'number' && roles.includes('value')) return <NumberView table={data} options={options} />;
  if (heat) return <HeatMap heat={heat} format={format} label={title} heightPx={heightPx} />;
  if (chart === 'bar' && hasBars(roles)) return <div className="panel-scroll" tabIndex={0} role="region" aria-label={title}><BarList bars={barsOf(data, roles)} label={title} format={format} /></div>;
  return <ResultTable table={data} caption={title} sort={sort} onSort={setSort} maxHeight={`${heightPx}px`} />;
}
