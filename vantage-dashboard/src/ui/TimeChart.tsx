import { Area, AreaChart, ResponsiveContainer, Tooltip, XAxis, YAxis } from 'recharts';
import { clockTime } from './format';

export interface TimeChartProps {
  points: readonly [number, number | null][];
  format: (value: number) => string;
  tone: 'healthy' | 'degraded' | 'unhealthy';
  height?: number;
}

export default function TimeChart({ points, format, tone, height = 64 }: TimeChartProps) {
  const data = points.map(([time, value]) => ({ time, value }));
  const color = `var(--${tone})`;
  return (
    <ResponsiveContainer width="100%" height={height}>
      <AreaChart data={data} margin={{ top: 4, right: 0, bottom: 0, left: 0 }}>
        <XAxis dataKey="time" type="number" domain={['dataMin', 'dataMax']} hide />
        <YAxis domain={[0, 'auto']} hide />
        <Tooltip
          isAnimationActive={false}
          cursor={{ stroke: 'var(--line-strong)' }}
          wrapperClassName="chart-tip"
          labelFormatter={(time) => clockTime(Number(time), false)}
          formatter={(value) => [format(Number(value)), '']}
          separator=""
        />
        <Area dataKey="value" type="monotone" stroke={color} strokeWidth={1.5} fill={color} fillOpacity={0.12} isAnimationActive={false} connectNulls={false} dot={false} />
      </AreaChart>
    </ResponsiveContainer>
  );
}
