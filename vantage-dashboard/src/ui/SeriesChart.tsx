import { useMemo, useState } from 'react';
import { Area, Bar, CartesianGrid, ComposedChart, Line, ReferenceArea, ReferenceDot, ReferenceLine, ResponsiveContainer, Tooltip, XAxis, YAxis } from 'recharts';
import { clockTime } from './format';
import { extent, rowsOf, seriesColor, seriesDash, seriesShape, timeTicks, valueTicks, type Series } from './series';
import './seriesChart.css';

/** A single observation above the lines; one beyond the axis stands at its end as an arrow. */
export interface ChartMark {
  key: string;
  time: number;
  value: number;
  /** Said when it is pointed at. */
  title: string;
}

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
  /** Keys of series that are not drawn; the others keep their colours and signs. */
  hidden?: readonly string[];
  marks?: readonly ChartMark[];
  /** By pointer; whoever gives this shows the marks as a list, too. */
  onMark?: (mark: ChartMark) => void;
  /** Upright lines at moments, each with its word. */
  moments?: readonly { time: number; label: string }[];
  /** Shaded times, epoch ms; without an end up to the edge. */
  spans?: readonly { start: number; end: number | null }[];
  /** A line across that the values are held against. */
  limit?: { value: number; label: string };
  /** Charts with the same one show the same moment. */
  syncId?: string;
  /** What the chart is read out as. */
  label?: string;
}

const MOST_SIGNS = 8;
const NONE: readonly string[] = [];

/** Series over time on common axes. Default export: the chart library is loaded with the first chart. */
export default function SeriesChart({ series, kind = 'line', start, end, format, height = 220, onZoom, highlighted = NONE, hidden = NONE, marks = [], onMark, moments = [], spans = [], limit, syncId, label = 'Chart' }: SeriesChartProps) {
  const [from, setFrom] = useState<number | null>(null);
  const [to, setTo] = useState<number | null>(null);
  // A name may hold dots and brackets, which a data key would take for a path.
  const rows = useMemo(() => rowsOf(series.map((each, i) => ({ ...each, key: slot(i) }))), [series]);
  const shown = useMemo(() => series.flatMap((each, index) => (hidden.includes(each.key) ? [] : [{ ...each, index }])), [series, hidden]);
  const ticks = useMemo(() => {
    const [least, most] = extent(shown, kind !== 'line');
    return valueTicks(least, Math.max(most, limit?.value ?? 0));
  }, [shown, kind, limit?.value]);
  const first = start ?? rows[0]?.time ?? 0, last = end ?? rows.at(-1)?.time ?? 1;
  const bottom = ticks[0]!, top = ticks.at(-1)!;
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
  const opacityOf = (key: string) => (highlighted.length === 0 || highlighted.includes(key) ? 1 : 0.15);
  return (
    <div className="series-chart" data-zooms={onZoom !== undefined || undefined}>
      <ResponsiveContainer width="100%" height={height}>
        <ComposedChart data={rows} margin={{ top: 8, right: 12, bottom: 0, left: 0 }} aria-label={`${label}. The arrow keys read its values.`} {...(syncId === undefined ? {} : { syncId, syncMethod: 'value' as const })} {...zoom}>
          <CartesianGrid stroke="var(--line)" vertical={false} />
          <XAxis dataKey="time" type="number" domain={[first, last]} allowDataOverflow ticks={timeTicks(first, last)} tickFormatter={(time: number) => tickText(time, last - first)} stroke="var(--line-strong)" tick={{ fill: 'var(--text-soft)', fontSize: 11 }} />
          <YAxis width={62} domain={[bottom, top]} ticks={ticks} interval={0} allowDataOverflow tickFormatter={(value: number) => (value === 0 ? '0' : format(value))} stroke="none" tick={{ fill: 'var(--text-soft)', fontSize: 11 }} />
          <Tooltip
            isAnimationActive={false}
            cursor={{ stroke: 'var(--line-strong)' }}
            wrapperClassName="chart-tip"
            content={({ active, label: time, payload }) =>
              active ? <Tip time={Number(time)} format={format} values={payload.map(({ dataKey, value }) => [Number(String(dataKey).slice(1)), value as number | null])} series={series} /> : null
            }
          />
          {spans.map((span) => <ReferenceArea key={span.start} x1={Math.max(first, span.start)} x2={Math.min(last, span.end ?? last)} fill="var(--unhealthy)" fillOpacity={0.14} ifOverflow="hidden" />)}
          {limit && <ReferenceLine y={limit.value} stroke="var(--degraded)" strokeDasharray="4 4" label={{ value: limit.label, position: 'insideTopRight', fill: 'var(--text-soft)', fontSize: 11 }} />}
          {moments.map((moment) => (
            <ReferenceLine key={`${moment.time} ${moment.label}`} x={moment.time} stroke="var(--text-faint)" strokeDasharray="2 4" label={{ value: moment.label, position: 'insideTopLeft', fill: 'var(--text-soft)', fontSize: 11 }} />
          ))}
          {shown.map(({ key, name, index }) => {
            const color = seriesColor(index), opacity = opacityOf(key), dash = seriesDash(index);
            const common = { dataKey: slot(index), name, stroke: color, strokeOpacity: opacity, isAnimationActive: false };
            if (kind === 'bar') return <Bar {...common} key={key} fill={color} fillOpacity={opacity} stackId="all" />;
            if (kind === 'area') return <Area {...common} key={key} fill={color} fillOpacity={0.3 * opacity} stackId="all" strokeWidth={1.5} dot={false} activeDot={false} />;
            return <Line {...common} key={key} strokeWidth={1.75} dot={false} connectNulls={false} {...(dash === undefined ? {} : { strokeDasharray: dash })} />;
          })}
          {kind === 'line' && shown.length > 1 && shown.length <= MOST_SIGNS && shown.map(({ key, points, index }) => {
            const point = points.findLast(([time, value]) => value !== null && time <= last);
            return point && <ReferenceDot key={key} x={point[0]} y={point[1]!} ifOverflow="hidden" shape={({ cx = 0, cy = 0 }) => <path d={seriesShape(index)} transform={`translate(${cx} ${cy})`} fill={seriesColor(index)} fillOpacity={opacityOf(key)} />} />;
          })}
          {marks.map((mark) => (
            <ReferenceDot
              key={mark.key}
              x={mark.time}
              y={Math.min(mark.value, top)}
              ifOverflow="hidden"
              shape={({ cx = 0, cy = 0 }) => (
                <path className="chart-mark" data-mark={mark.key} d={mark.value > top ? 'M0-5L4.5 3H-4.5z' : 'M0-4.5L4.5 0L0 4.5L-4.5 0z'} transform={`translate(${cx} ${mark.value > top ? cy + 6 : cy})`} onMouseDown={(e) => e.stopPropagation()} onClick={() => onMark?.(mark)}>
                  <title>{mark.title}</title>
                </path>
              )}
            />
          ))}
          {from !== null && to !== null && <ReferenceArea x1={from} x2={to} fill="var(--accent)" fillOpacity={0.15} />}
        </ComposedChart>
      </ResponsiveContainer>
    </div>
  );
}

const MOST_TOLD = 12;

interface TipProps {
  time: number;
  format: (value: number) => string;
  /** Index of the series, and its value. */
  values: readonly (readonly [number, number | null])[];
  series: readonly Series[];
}

/** What is under the pointer, the greatest first. */
function Tip({ time, format, values, series }: TipProps) {
  const known = values.filter((each): each is readonly [number, number] => typeof each[1] === 'number').sort((a, b) => b[1] - a[1]);
  return (
    <div className="chart-tip-box">
      <p>{new Date(time).toLocaleDateString()} {clockTime(time, false)}</p>
      {known.length === 0 && <p>nothing known</p>}
      <ul>
        {known.slice(0, MOST_TOLD).map(([index, value]) => (
          <li key={index}>
            <svg width={10} height={10} viewBox="-5 -5 10 10" aria-hidden="true"><path d={seriesShape(index)} fill={seriesColor(index)} /></svg>
            <span>{series[index]?.name}</span>
            <b className="num">{format(value)}</b>
          </li>
        ))}
      </ul>
      {known.length > MOST_TOLD && <p>and {known.length - MOST_TOLD} more</p>}
    </div>
  );
}

const DAY_MS = 86_400_000;

function tickText(time: number, lengthMs: number): string {
  if (lengthMs > 2 * DAY_MS) return new Date(time).toLocaleDateString(undefined, { month: 'short', day: 'numeric' });
  return lengthMs < 20 * 60_000 ? clockTime(time, false) : clockTime(time, false).slice(0, 5);
}

const slot = (index: number): string => `s${index}`;
const timeOf = (label: string | number | undefined): number | null => (label === undefined ? null : Number(label));
