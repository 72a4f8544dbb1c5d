import { useMemo } from 'react';
import { useSearchParams } from 'react-router';
import { addressNow, useParameters, useRange } from '../../app/address';
import { bounds } from '../../app/range';
import { useServices } from '../../app/services';
import { inertText } from '../../stream/logs';
import { Button } from '../../ui/Button';
import { Chips } from '../../ui/Chips';
import { Field, Select, SettledField } from '../../ui/Field';
import { Card } from '../../ui/Page';
import type { Suggestion } from '../../ui/suggest';
import { SuggestField } from '../../ui/SuggestField';
import { compact } from '../metrics/named';
import { tagOf, textOfTag } from '../metrics/question';
import { useMetricNames } from '../metrics/questions';
import { useVersionNames } from './questions';
import { baselineOf, DEFAULTS, KINDS, type Sides } from './sides';

type Change = (changes: Record<string, string | null>) => void;

/** What is compared with what. */
export function Pickers({ sides }: { sides: Sides }) {
  const [, change] = useParameters();
  const { data } = useServices();
  const services = useMemo(() => [...new Set((data?.services ?? []).map(({ service_name }) => service_name))].map((value): Suggestion => ({ value, text: inertText(value) })), [data]);
  const { kind } = sides;
  return (
    <Card className="pickers">
      <div className="kinds" role="group" aria-label="What is compared">
        {KINDS.map(({ value, text }) => <Button key={value} pressed={kind === value} onClick={() => change({ kind: value === 'services' ? null : value })}>{text}</Button>)}
      </div>
      <div className="builder-row">
        <SuggestField label={kind === 'services' ? 'Baseline' : 'Service'} free placeholder="A service" value={sides.service} suggestions={services} onChoose={(value) => change(kind === 'versions' ? { service: value, from: null, to: null } : { service: value })} />
        {kind === 'services' && <SuggestField label="Candidate" free placeholder="Another service" value={sides.candidate} suggestions={services} onChoose={(value) => change({ with: value })} />}
        {kind === 'versions' && <VersionFields sides={sides} onChange={change} />}
        {kind === 'windows' && <BeforeField sides={sides} onChange={change} />}
        {kind !== 'windows' && <Button title="Baseline and candidate change places" onClick={() => change(kind === 'services' ? { service: sides.candidate || null, with: sides.service || null } : { from: sides.to || null, to: sides.from || null })}>⇄ Swap</Button>}
      </div>
      <Options sides={sides} onChange={change} />
    </Card>
  );
}

function VersionFields({ sides: { service, from, to }, onChange }: { sides: Sides; onChange: Change }) {
  const names = useVersionNames(service);
  const suggestions = (names.data ?? []).map(({ value, count }): Suggestion => ({ value, text: inertText(value), note: compact(count) }));
  return (
    <>
      <SuggestField label="Baseline version" free value={from} isLoading={names.isPending} suggestions={suggestions} onChoose={(value) => onChange({ from: value })} />
      <SuggestField label="Candidate version" free value={to} isLoading={names.isPending} suggestions={suggestions} onChoose={(value) => onChange({ to: value })} />
    </>
  );
}

const AT = 'at';
const BEFORE = [{ value: 'previous', text: 'Just before it' }, { value: '1d', text: 'A day earlier' }, { value: '7d', text: 'A week earlier' }, { value: AT, text: 'From a moment …' }];

function BeforeField({ sides: { before }, onChange }: { sides: Sides; onChange: Change }) {
  const { range } = useRange();
  const isInstant = !BEFORE.some(({ value }) => value === before);
  return (
    <>
      <Select label="The time range above, against" quiet={false} value={isInstant ? AT : before} options={BEFORE} onChange={(value) => onChange({ before: value === AT ? String(baselineOf(bounds(range), 'previous').start) : value === DEFAULTS.before ? null : value })} />
      {isInstant && (
        <Field label="Before begins at">
          <input className="control" type="datetime-local" step={1} value={toLocal(Number(before))} onChange={(e) => { const at = new Date(e.target.value).getTime(); if (Number.isFinite(at) && at > 0) onChange({ before: String(at) }); }} />
        </Field>
      )}
    </>
  );
}

function toLocal(epochMs: number): string {
  if (!Number.isFinite(epochMs) || epochMs <= 0 || epochMs > 8.64e15) return '';
  return new Date(epochMs - new Date(epochMs).getTimezoneOffset() * 60_000).toISOString().slice(0, 19);
}

/** What most comparisons leave as it is. */
function Options({ sides, onChange }: { sides: Sides; onChange: Change }) {
  const [, setParameters] = useSearchParams();
  const { metrics } = useMetricNames('');
  const { metric, alpha, least, higherIsBetter, tags } = sides;
  const isDefault = metric === DEFAULTS.metric && alpha === DEFAULTS.alpha && least === DEFAULTS.least && !higherIsBetter && tags.length === 0;
  const setTags = (texts: string[]) =>
    setParameters(() => {
      const next = addressNow();
      next.delete('tag');
      for (const text of texts) next.append('tag', text);
      return next;
    }, { replace: true });
  const texts = tags.map(textOfTag);
  return (
    <details className="options" open={!isDefault || undefined}>
      <summary>Metric and rules{isDefault ? '' : ' (changed)'}</summary>
      <div className="builder-row">
        <SuggestField label="Metric" free value={metric} suggestions={metrics.map(({ metric_name, metric_type }) => ({ value: metric_name, text: inertText(metric_name), note: metric_type }))} onChoose={(value) => onChange({ metric: value === '' || value === DEFAULTS.metric ? null : value })} />
        <Select label="Better is" quiet={false} value={higherIsBetter ? 'higher' : 'lower'} options={[{ value: 'lower', text: 'lower' }, { value: 'higher', text: 'higher' }]} onChange={(value) => onChange({ better: value === 'higher' ? value : null })} />
        <Select label="False alarms accepted (alpha)" quiet={false} value={alpha} options={['0.001', '0.01', '0.05', '0.1', '0.2']} onChange={(value) => onChange({ alpha: value === DEFAULTS.alpha ? null : value })} />
        <Select label="Smallest difference that matters" quiet={false} value={least} options={['0.1', '0.5', '1', '2', '5', '10'].map((value) => ({ value, text: `${value} %` }))} onChange={(value) => onChange({ least: value === DEFAULTS.least ? null : value })} />
        <SettledField label="Only with a tag (key:value)" quiet={false} placeholder="endpoint:/pay" value="" onChange={(text) => { if (tagOf(text).length > 0) setTags([...new Set([...texts, text])].slice(0, 10)); }} />
        <Chips label="Only with" values={texts} onRemove={(text) => setTags(texts.filter((each) => each !== text))} />
      </div>
    </details>
  );
}
