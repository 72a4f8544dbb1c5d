import type { Api } from '../../api/types';

/** The outcome of a comparison in plain language. Pure. */

type Comparison = Api<'Comparison'>;

export interface Verdict {
  title: string;
  glyph: string;
  tone: 'healthy' | 'degraded' | 'unhealthy' | 'unknown';
}

const LEAST_MINUTES = 20;

export function verdictOf({ recommendation, minutes }: Pick<Comparison, 'recommendation' | 'minutes'>, candidate: string): Verdict {
  switch (recommendation) {
    case 'DEPLOY':
      return { title: `${candidate} is better: deploy`, glyph: '●', tone: 'healthy' };
    case 'ROLLBACK':
      return { title: `${candidate} is worse: roll back`, glyph: '◆', tone: 'unhealthy' };
    case 'HOLD':
      return { title: 'No reason to change: hold', glyph: '▲', tone: 'degraded' };
    case 'INCONCLUSIVE':
      return { title: minutes < LEAST_MINUTES ? 'Not enough data yet' : 'They cannot be told apart yet', glyph: '○', tone: 'unknown' };
  }
}

/** A number of percent without its sign. */
export function size(percent: number): string {
  const value = Math.abs(percent);
  return `${value >= 100 ? Math.round(value) : Number(value.toPrecision(2))} %`;
}

const isTime = (metric: string): boolean => /duration|latency/i.test(metric);

/** "12 % slower"; of `improvement` in percent, positive where the candidate is better. */
export function changeWords(improvement: number, metric: string): string {
  if (Math.abs(improvement) < 0.05) return 'the same';
  const [better, worse] = isTime(metric) ? ['faster', 'slower'] : ['better', 'worse'];
  return `${size(improvement)} ${improvement > 0 ? better : worse}`;
}

/** An interval of improvements, the worse end first. */
export function intervalWords(low: number, high: number, metric: string): string {
  return `between ${changeWords(low, metric)} and ${changeWords(high, metric)}`;
}

/** Words for a difference in standard deviations, after Cohen (1988). */
export function effectWords(effect: number): string {
  const value = Math.abs(effect);
  return value < 0.2 ? 'very small' : value < 0.5 ? 'small' : value < 0.8 ? 'medium' : 'large';
}

export function pValueText(p: number): string {
  return p < 0.0001 ? '< 0.0001' : String(Number(p.toPrecision(2)));
}

/** What the p-value says, and what it does not. */
export function evidenceWords({ p_value, alpha, statistical_significance }: Pick<Comparison, 'p_value' | 'alpha' | 'statistical_significance'>): string {
  if (statistical_significance) {
    const share = p_value < 0.0001 ? 'less than one of 10,000' : `at most ${size(p_value * 100)}`;
    return `Were the two alike, evidence this strong would come up in ${share} of comparisons, however often one looks.`;
  }
  return `The evidence does not reach the ${alpha} that was asked for. That is no proof that the two are alike.`;
}

export function meanWords({ tested, metric_name, confidence_interval }: Pick<Comparison, 'tested' | 'metric_name' | 'confidence_interval'>, candidate: string): string | null {
  if (!tested) return null;
  const change = changeWords(tested.improvement_pct, metric_name);
  const quantity = tested.quantity === 'ratio of geometric means' ? 'on the geometric mean' : 'on the mean';
  const known = tested.low_pct !== null && tested.high_pct !== null && confidence_interval !== null;
  return `${candidate} is ${change} ${quantity}${known ? `; at a level of ${Math.round(confidence_interval.level * 100)} % it is ${intervalWords(tested.low_pct!, tested.high_pct!, metric_name)}` : '; there is no interval yet'}.`;
}
