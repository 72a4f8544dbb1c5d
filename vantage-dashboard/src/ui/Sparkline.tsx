import { linePath } from './linePath';

interface SparklineProps {
  values: readonly (number | null)[];
  /** Read out in place of the line. */
  label: string;
  tone?: string;
  width?: number;
  height?: number;
}

/** A line without axes, for a row of a table: shape only. Gaps stay gaps. */
export function Sparkline({ values, label, tone = 'healthy', width = 96, height = 22 }: SparklineProps) {
  return (
    <svg className={`tone-${tone}`} width={width} height={height} viewBox={`0 0 ${width} ${height}`} role="img" aria-label={label}>
      <path d={linePath(values, width, height)} fill="none" stroke="currentColor" strokeWidth={1.5} strokeLinejoin="round" />
    </svg>
  );
}
