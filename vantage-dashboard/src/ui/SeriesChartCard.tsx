import { lazy, Suspense, useState, type ReactNode } from 'react';
import { Card } from './Page';
import { DataTable } from './DataTable';
import type { SeriesChartProps } from './SeriesChart';
import { SeriesLegend } from './SeriesChartTools';
import { figuresOf, rowsOf, type Series } from './series';
import type { Column } from './sortedRows';
import { clockTime } from './format';

const SeriesChart = lazy(() => import('./SeriesChart'));

interface ChartCardProps extends Omit<SeriesChartProps, 'hidden' | 'highlighted' | 'label'> {
  title: string;
  tools?: ReactNode;
  /** Below the chart: where the numbers are from, what is left out. */
  note?: ReactNode;
}

/** A chart with its legend and its numbers as a table. */
export function ChartCard({ title, tools, note, series, height = 180, ...chart }: ChartCardProps) {
  const [shown, setShown] = useState<string[]>([]);
  const [pointed, setPointed] = useState<string | null>(null);
  const known = shown.filter((key) => series.some((each) => each.key === key));
  const hidden = known.length === 0 ? [] : series.flatMap(({ key }) => (known.includes(key) ? [] : [key]));
  const isEmpty = series.every(({ points }) => figuresOf(points).last === null);
  return (
    <Card title={title} tools={tools} className="chart-card">
      {isEmpty ? <p className="chart-empty soft" style={{ height }}>Nothing in this time.</p> : (
        <Suspense fallback={<div style={{ height }} />}>
          <SeriesChart label={title} series={series} height={height} hidden={hidden} highlighted={pointed === null || hidden.includes(pointed) ? [] : [pointed]} {...chart} />
        </Suspense>
      )}
      {series.length > 1 && <SeriesLegend series={series} shown={known} onShown={setShown} onPoint={setPointed} format={chart.format} />}
      {note}
      {!isEmpty && <SeriesNumbers title={title} series={series} format={chart.format} />}
    </Card>
  );
}

interface NumbersProps {
  title: string;
  series: readonly Series[];
  format: (value: number) => string;
}

/** Every number of a chart, once it is asked for. */
export function SeriesNumbers({ title, series, format }: NumbersProps) {
  const [isOpen, setIsOpen] = useState(false);
  return (
    <details className="chart-numbers" onToggle={(e) => setIsOpen(e.currentTarget.open)}>
      <summary>Numbers</summary>
      {isOpen && <SeriesTable title={title} series={series} format={format} />}
    </details>
  );
}

type Row = ReturnType<typeof rowsOf>[number];

function SeriesTable({ title, series, format }: NumbersProps) {
  const rows = rowsOf(series.map((each, i) => ({ ...each, key: `s${i}` })));
  const columns: Column<Row>[] = [
    { key: 'time', title: 'Time', cell: (row) => <time className="num">{new Date(row.time).toLocaleDateString()} {clockTime(row.time, false)}</time> },
    ...series.map(({ name }, i): Column<Row> => ({ key: `s${i}`, title: name, numeric: true, cell: (row) => { const value = row[`s${i}`]; return value === null || value === undefined ? '–' : format(value); } })),
  ];
  return <div className="chart-table"><DataTable caption={`${title}, every number`} columns={columns} rows={rows.toReversed()} rowKey={(row) => String(row.time)} /></div>;
}
