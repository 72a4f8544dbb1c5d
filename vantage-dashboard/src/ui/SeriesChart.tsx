import { useState } from 'react';
import { Area, Bar, CartesianGrid, ComposedChart, Line, ReferenceArea, ResponsiveContainer, Tooltip, XAxis, YAxis } from 'recharts';
import { clockTime } from './format';
import { rowsOf, seriesColor, timeTicks, type Series } from './series';
import './seriesChart.css';

export interface SeriesChartProps {
  series: readonly Series[];
  kind?: 'line' | 'area' | 'bar';
  /** Epoch ms; by default from the first point to the last. */
  start?: number;
  end?: number;
  format: (value: number) => string;
  height?: number;
  /** Dragging over the chart chooses a span of time; epoch ms. */
  onZoom?: (start: number, end: number) => void;
  /** Keys of series that are drawn as usual while the others step back; nothing steps back when empty. */
  highlighted?: readonly string[];
}

/** Series over time on common axes. Default export: the chart library is loaded with the first chart. */
export default function SeriesChart({ series, kind = 'line', start, end, format, height = 220, onZoom, highlighted = [] }: SeriesChartProps) {
  const [from, setFrom] = useState<number | null>(null);
  const [to, setTo] = useState<number | null>(null);
  const rows = rowsOf(series);
  const first = start ?? rows[0]?.time ?? 0, last = end ?? rows.at(-1)?.time ?? 1;
  const choose = () => {
    if (from !== null && to !== null && from !== to) onZoom?.(Math.min(from, to), Math.max(from, to));
    setFrom(null);
    setTo(null);
  };
  const zoom = onZoom && {
    onMouseDown: ({ activeLabel }: { activeLabel?: string | number | undefined }) => setFrom(timeOf(activeLabel)),
    onMouseMove: ({ activeLabel }: { activeLabel?: string | number | undefined }) => from !== null && setTo(timeOf(activeLabel)),
    onMouseUp: choose,
    onMouseLeave: choose,
  };
  return (
    <div className="series-chart" data-zooms={onZoom !== undefined || undefined}>
      <ResponsiveContainer width="100%" height={height}>
        <ComposedChart data={rows} margin={{ top: 6, right: 8, bottom: 0, left: 0 }} {...zoom}>
          <CartesianGrid stroke="var(--line)" vertical={false} />
          <XAxis dataKey="time" type="number" domain={[first, last]} allowDataOverflow ticks={timeTicks(first, last)} tickFormatter={(time: number) => tickText(time, last - first)} stroke="var(--line-strong)" tick={{ fill: 'var(--text-soft)', fontSize: 11 }} />
          <YAxis width={62} domain={[0, 'auto']} tickFormatter={format} stroke="none" tick={{ fill: 'var(--text-soft)', fontSize: 11 }} />
          <Tooltip
            isAnimationActive={false}
            cursor={{ stroke: 'var(--line-strong)' }}
            wrapperClassName="chart-tip"
            labelFormatter={(time) => `${new Date(Number(time)).toLocaleDateString()} ${clockTime(Number(time), false)}`}
            formatter={(value, name) => [format(Number(value)), name]}
          />
          {series.map(({ key, name }, i) => {
            const color = seriesColor(i), opacity = highlighted.length === 0 || highlighted.includes(key) ? 1 : 0.15;
            const common = { key, dataKey: key, name, stroke: color, strokeOpacity: opacity, isAnimationActive: false };
            if (kind === 'bar') return <Bar {...common} key={key} fill={color} fillOpacity={opacity} stackId="all" />;
            if (kind === 'area') return <Area {...common} key={key} fill={color} fillOpacity={0.25 * opacity} stackId="all" strokeWidth={1.5} dot={false} />;
            return <Line {...common} key={key} strokeWidth={1.75} dot={false} connectNulls={false} />;
          })}
          {from !== null && to !== null && <ReferenceArea x1={from} x2={to} fill="var(--accent)" fillOpacity={0.15} />}
        </ComposedChart>
      </ResponsiveContainer>
    </div>
  );
}

const DAY_MS = 86_400_000;

function tickText(time: number, lengthMs: number): string {
  if (lengthMs > 2 * DAY_MS) return new Date(time).toLocaleDateString(undefined, { month: 'short', day: 'numeric' });
  return lengthMs < 20 * 60_000 ? clockTime(time, false) : clockTime(time, false).slice(0, 5);
}

const timeOf = (label: string | number | undefined): number | null => (label === undefined ? null : Number(label));
