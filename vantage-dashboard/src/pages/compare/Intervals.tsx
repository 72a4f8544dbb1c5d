import type { Api } from '../../api/types';
import { estimatesOf, placed, reachOf, type Estimate } from './intervals';
import { changeWords, effectWords, intervalWords } from './words';

const EFFECT_STEPS = [0.2, 0.5, 1, 2, 5];

/** Differences with their intervals: left of the middle the candidate is worse, right of it better. */
export function Intervals({ found }: { found: Api<'Comparison'> }) {
  const estimates = estimatesOf(found);
  if (estimates.length === 0) return <p className="soft nothing">There is nothing to draw yet.</p>;
  const reach = reachOf(estimates);
  const { effect_size: effect, confidence_interval: interval, metric_name: metric, lower_is_better: lower } = found;
  const effects: Estimate[] = effect === null ? [] : [{ name: 'Effect size', value: effect, low: interval?.low ?? null, high: interval?.high ?? null }];
  const effectReach = reachOf(effects, EFFECT_STEPS);
  return (
    <>
      <Axis reach={`${reach} %`} />
      <ul className="intervals">
        {estimates.map((each) => <Interval key={each.name} of={each} reach={reach} says={changeWords(each.value, metric)} spans={each.low === null || each.high === null ? 'no interval yet' : intervalWords(each.low, each.high, metric)} />)}
      </ul>
      {effects.map((each) => (
        <div key={each.name} className="effect">
          <Axis reach={`${effectReach} σ`} />
          <ul className="intervals">
            <Interval of={each} reach={effectReach} says={`${each.value.toFixed(2)} σ, ${effectWords(each.value)}`} spans={each.low === null || each.high === null ? 'no interval yet' : `between ${each.low.toFixed(2)} and ${each.high.toFixed(2)}`} />
          </ul>
        </div>
      ))}
      <p className="soft chart-note">{lower ? 'Lower' : 'Higher'} values are better. A bar that holds the middle could be no difference.</p>
    </>
  );
}

function Axis({ reach }: { reach: string }) {
  return (
    <div className="interval-axis soft num" aria-hidden="true">
      <span>← worse, {reach}</span>
      <span>0</span>
      <span>{reach}, better →</span>
    </div>
  );
}

function Interval({ of, reach, says, spans }: { of: Estimate; reach: number; says: string; spans: string }) {
  const { at, from, to, isCut } = placed(of, reach);
  const surely = of.low === null || of.high === null || (of.low <= 0 && of.high >= 0) ? 'unknown' : of.low > 0 ? 'healthy' : 'unhealthy';
  return (
    <li>
      <span className="interval-name">{of.name}</span>
      <span className={`interval-line tone-${surely}`} aria-hidden="true">
        {from !== null && to !== null && <i className="interval-bar" style={{ left: `${from * 100}%`, width: `${Math.max(0.6, (to - from) * 100)}%` }} />}
        <i className="interval-dot" style={{ left: `${at * 100}%` }} />
      </span>
      <span className="interval-words num">{says}<span className="soft"> {spans}{isCut ? ', beyond the axis' : ''}</span></span>
    </li>
  );
}
