import { lazy, Suspense, useState } from 'react';
import { SeriesLegend } from '../../../ui/SeriesChartTools';
import { Loading } from '../../../ui/states';
import type { Drawn } from './shape';
import './seriesView.css';

const SeriesChart = lazy(() => import('../../../ui/SeriesChart'));

interface SeriesViewProps {
  drawn: Drawn;
  label: string;
  kind: 'line' | 'area' | 'bar';
  format: (value: number) => string;
  height: number;
  start?: number;
  end?: number;
  onZoom?: (start: number, end: number) => void;
}

/** A chart over time with its legend. */
export function SeriesView({ drawn: { series, total, overlaid }, label, kind, format, height, start, end, onZoom }: SeriesViewProps) {
  const [chosen, setChosen] = useState<string[]>([]);
  const [pointed, setPointed] = useState<string | null>(null);
  const shown = chosen.filter((key) => series.some((each) => each.key === key));
  const hidden = shown.length === 0 ? [] : series.flatMap(({ key }) => (shown.includes(key) ? [] : [key]));
  const range = { ...(start === undefined ? {} : { start }), ...(end === undefined ? {} : { end }), ...(onZoom ? { onZoom } : {}) };
  return (
    <div className="series-view">
      <Suspense fallback={<Loading lines={3} />}>
        <SeriesChart label={label} series={series} kind={kind} format={format} height={height} hidden={hidden} highlighted={pointed === null || hidden.includes(pointed) ? [] : [pointed]} {...range} />
      </Suspense>
      <SeriesLegend series={series} shown={shown} onShown={setChosen} onPoint={setPointed} format={format} />
      {total > series.length && <p className="soft chart-note">The {series.length} greatest of {total} series are drawn.</p>}
      {overlaid > 0 && <p className="soft chart-note">{overlaid} rows fall on a point that another row has, too; the last is drawn. Let one more column name the series.</p>}
    </div>
  );
}
