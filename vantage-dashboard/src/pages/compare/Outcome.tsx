import type { ReactNode } from 'react';
import type { Api } from '../../api/types';
import { useLinkTo, useParameter, useRange } from '../../app/address';
import { Link } from 'react-router';
import { inertText } from '../../stream/logs';
import { Button } from '../../ui/Button';
import { DataTable } from '../../ui/DataTable';
import { clockTime, percent } from '../../ui/format';
import { Card } from '../../ui/Page';
import { ChartCard } from '../../ui/SeriesChartCard';
import type { Column } from '../../ui/sortedRows';
import { Answer, Loading } from '../../ui/states';
import { compact, formatOf } from '../metrics/named';
import { Intervals } from './Intervals';
import { useBothOverTime } from './questions';
import { nameOf, QUANTILES, type Sides } from './sides';
import { changeWords, effectWords, evidenceWords, intervalWords, meanWords, pValueText, verdictOf } from './words';

type Comparison = Api<'Comparison'>;

export function Outcome({ found, sides }: { found: Comparison; sides: Sides }) {
  const baseline = inertText(nameOf(sides.kind, found.baseline, 'baseline')), candidate = inertText(nameOf(sides.kind, found.candidate, 'candidate'));
  return (
    <div className="outcome">
      <div className="outcome-top">
        <VerdictCard found={found} candidate={candidate} />
        <Card title="Differences" className="differences"><Intervals found={found} /></Card>
      </div>
      <SidesTable found={found} sides={sides} baseline={baseline} candidate={candidate} />
      <div className="cards">
        <OverTime found={found} sides={sides} />
        <EvidenceChart found={found} />
      </div>
    </div>
  );
}

function VerdictCard({ found, candidate }: { found: Comparison; candidate: string }) {
  const { title, glyph, tone } = verdictOf(found, candidate);
  const mean = meanWords(found, candidate);
  const { effect_size: effect, confidence_interval: interval, error_rate: errors } = found;
  return (
    <Card className="verdict">
      <h2 className={`verdict-title tone-${tone}`} data-testid="verdict"><span aria-hidden="true">{glyph} </span>{title}</h2>
      <ul className="verdict-reasons">{found.reasons.map((reason) => <li key={reason}>{inertText(reason)}</li>)}</ul>
      <dl className="verdict-facts">
        <Fact name="Difference">{mean ?? 'Nothing could be tested.'}</Fact>
        <Fact name="Evidence"><b className="num">p = {pValueText(found.p_value)}</b>. {evidenceWords(found)}</Fact>
        <Fact name="Effect size">{effect === null ? 'Not known.' : <><b className="num">{effect.toFixed(2)}</b> standard deviations, {effectWords(effect)}{interval === null ? '; no interval yet.' : <>; at a level of {Math.round(interval.level * 100)} % between <span className="num">{interval.low.toFixed(2)}</span> and <span className="num">{interval.high.toFixed(2)}</span>.</>}</>}</Fact>
        {errors && <Fact name="Errors">{percent(errors.baseline)} → {percent(errors.candidate)}, <span className="num">p = {pValueText(errors.p_value)}</span>.</Fact>}
        <Fact name="Sample">{compact(found.baseline.n)} and {compact(found.candidate.n)} observations; {found.minutes} minutes in which both sides have some, worth {compact(found.independent_minutes)} independent ones.</Fact>
        {found.significant_since !== null && <Fact name="Known since">{clockTime(found.significant_since, false)}</Fact>}
      </dl>
      {found.warnings.length > 0 && (
        <ul className="warnings" aria-label="Warnings">
          {found.warnings.map(({ code, message }) => <li key={code}><span className="tone-degraded" aria-hidden="true">▲ </span>{inertText(message)}</li>)}
        </ul>
      )}
    </Card>
  );
}

function Fact({ name, children }: { name: string; children: ReactNode }) {
  return <div><dt className="soft">{name}</dt><dd>{children}</dd></div>;
}

interface Row {
  name: string;
  before: ReactNode;
  after: ReactNode;
  change: ReactNode;
}

function SidesTable({ found, sides, baseline, candidate }: { found: Comparison; sides: Sides; baseline: string; candidate: string }) {
  const linkTo = useLinkTo();
  const { metric_name: metric, percentiles } = found;
  const format = formatOf(metric, 'p95');
  const value = (each: number | null) => (each === null ? '–' : format(each));
  const change = (improvement: number | null | undefined, low?: number | null, high?: number | null) => {
    if (improvement === null || improvement === undefined) return '–';
    const tone = improvement > 0.05 ? 'healthy' : improvement < -0.05 ? 'unhealthy' : 'unknown';
    return (
      <>
        <span className={`tone-${tone}`}><span aria-hidden="true">{improvement > 0.05 ? '▲' : improvement < -0.05 ? '▼' : '●'} </span>{changeWords(improvement, metric)}</span>
        {typeof low === 'number' && typeof high === 'number' && <span className="soft change-interval"> {intervalWords(low, high, metric)}</span>}
      </>
    );
  };
  const rows: Row[] = [
    { name: 'Mean', before: value(found.baseline.mean), after: value(found.candidate.mean), change: change(found.improvement_pct) },
    ...QUANTILES.map((name): Row => ({ name, before: value(found.baseline[name]), after: value(found.candidate[name]), change: change(percentiles[name]?.improvement_pct, percentiles[name]?.low_pct, percentiles[name]?.high_pct) })),
    { name: 'Errors', before: percent(found.baseline.error_ratio), after: percent(found.candidate.error_ratio), change: errorChange(found) },
    { name: 'Observations', before: found.baseline.n.toLocaleString('en-US'), after: found.candidate.n.toLocaleString('en-US'), change: '' },
    { name: 'Minutes with data', before: found.baseline.minutes, after: found.candidate.minutes, change: '' },
    { name: 'Read from', before: found.baseline.source, after: found.candidate.source, change: '' },
  ];
  const head = (role: string, name: string) => `${role}: ${name.length > 60 ? `${name.slice(0, 60)}…` : name}`;
  const columns: Column<Row>[] = [
    { key: 'name', title: inertText(metric.slice(0, 80)), cell: ({ name }) => name },
    { key: 'before', title: head('Baseline', baseline), numeric: true, cell: ({ before }) => before },
    { key: 'after', title: head('Candidate', candidate), numeric: true, cell: ({ after }) => after },
    { key: 'change', title: 'Candidate is', cell: (row) => row.change },
  ];
  const services = [...new Set([found.baseline.service, found.candidate.service])];
  return (
    <Card title="Side by side" tools={<span className="compare-links">{services.map((name) => <Link key={name} to={linkTo(`/services/${encodeURIComponent(name)}`)}>{inertText(name.slice(0, 60))}</Link>)}</span>}>
      <DataTable caption={`Side by side, ${sides.kind}`} columns={columns} rows={rows} rowKey={({ name }) => name} />
      <p className="soft chart-note">Intervals of percentiles hold for one look; the verdict rests on the test that may be looked at any time.</p>
    </Card>
  );
}

function errorChange({ error_rate }: Comparison): string {
  if (!error_rate) return '–';
  const points = error_rate.difference * 100;
  return Math.abs(points) < 0.005 ? 'the same' : `${Math.abs(points).toPrecision(2)} points ${points > 0 ? 'more' : 'fewer'}`;
}

function OverTime({ found, sides: { kind, quantile } }: { found: Comparison; sides: Sides }) {
  const [, setQuantile] = useParameter('q', 'p95');
  const range = useRange();
  const both = useBothOverTime(found, kind, quantile);
  const chooser = <div className="kinds" role="group" aria-label="Quantile">{QUANTILES.map((each) => <Button key={each} pressed={each === quantile} onClick={() => setQuantile(each)}>{each}</Button>)}</div>;
  const note = kind === 'windows' ? <p className="soft chart-note">What was before is laid over what came after.</p> : undefined;
  return (
    <Answer of={both} loading={<Card title={`${quantile} over time`}><Loading lines={6} /></Card>}>
      {({ start, end, series }) => <ChartCard title={`${quantile} over time`} tools={chooser} series={series} format={formatOf(found.metric_name, quantile)} start={start} end={end} height={240} note={note} onZoom={(from, to) => range.set({ start: Math.round(from), end: Math.round(to) })} />}
    </Answer>
  );
}

function EvidenceChart({ found: { p_values, alpha, significant_since } }: { found: Comparison }) {
  const series = [{ key: 'p', name: 'p-value', points: p_values }];
  const moments = significant_since === null ? [] : [{ time: significant_since, label: 'known' }];
  return <ChartCard title="Evidence over time" series={series} format={pValueText} height={240} limit={{ value: alpha, label: `alpha ${alpha}` }} moments={moments} note={<p className="soft chart-note">The p-value only falls; below the line a difference counts as known. Nothing is concluded before 20 minutes.</p>} />;
}
