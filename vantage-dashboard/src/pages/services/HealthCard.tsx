import type { Api } from '../../api/types';
import { Card } from '../../ui/Page';
import { Answer } from '../../ui/states';
import { FACTORS, factorWords, sumOf } from './health';
import { useScore, type Asked } from './questions';
import { lookOf } from './serviceList';

export function HealthCard({ of }: { of: Asked }) {
  const score = useScore(of);
  return (
    <Card title="Health now" className="health-card">
      <Answer of={score}>{(found) => <Score of={found} />}</Answer>
    </Card>
  );
}

function Score({ of: { health_score, status, factors } }: { of: Api<'HealthScore'> }) {
  const { glyph, tone, word } = lookOf({ status });
  const sum = sumOf(factors);
  return (
    <>
      <p className={`score tone-${tone}`}>
        <b className="num">{health_score ?? '–'}</b>
        <span><span aria-hidden="true">{glyph}</span> {word}</span>
      </p>
      <ul className="score-factors">
        {FACTORS.map(({ key, name, format }) => {
          const factor = factors[key];
          return (
            <li key={key}>
              <span>{name} <span className="num soft">{format(factor.value)}</span></span>
              <span className="num">{factorWords(factor)}</span>
              <meter min={0} max={100} low={50} high={80} optimum={100} value={factor.score ?? 0} aria-label={`${name}: score`} />
            </li>
          );
        })}
      </ul>
      <details className="score-formula" open>
        <summary>How the score is made</summary>
        {sum ? <p className="num">{sum.text}</p> : <p>No factor is known: without requests there is no score.</p>}
        {sum && health_score !== null && health_score < Math.round(sum.total) - 1 && <p>Errors bound the total: from 5 % on it is at most 79, from 10 % on at most 49. So it is {health_score}.</p>}
        <dl>
          {FACTORS.map(({ key, name, rule }) => <div key={key}><dt>{name} <span className="soft num">weight {factors[key].weight.toFixed(2)}</span></dt><dd className="soft">{rule}</dd></div>)}
        </dl>
        <p className="soft">Healthy from 80, degraded from 50. A factor whose baseline is still being learned weighs nothing. All of it: docs/health.md.</p>
      </details>
    </>
  );
}
