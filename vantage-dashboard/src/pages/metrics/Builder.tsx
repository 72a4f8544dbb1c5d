import { useState } from 'react';
import type { Api } from '../../api/types';
import { inertText } from '../../stream/logs';
import { Button } from '../../ui/Button';
import { Chips } from '../../ui/Chips';
import { Select } from '../../ui/Field';
import { Card } from '../../ui/Page';
import type { Suggestion } from '../../ui/suggest';
import { SuggestField } from '../../ui/SuggestField';
import { aggregationWords, compact } from './named';
import { AGGREGATIONS, KINDS, MOST, RANKS, tagOf, textOfTag, TOPS, type Aggregation, type Question } from './question';
import { useTagKeys, useTagValues } from './questions';
import type { ChangeQuestion } from './useQuestion';

interface BuilderProps {
  question: Question;
  aggregation: Aggregation;
  metrics: readonly Api<'MetricInfo'>[];
  onChange: ChangeQuestion;
  onTypeMetric: (typed: string) => void;
}

const STEPS = [1, 10, 30, 60, 300, 900, 3600, 21_600, 86_400];
const KIND_WORDS = { line: 'Lines', area: 'Areas, stacked', bar: 'Bars, stacked' };
const RANK_WORDS = { last: 'last value', max: 'greatest value', mean: 'mean' };

/** What is asked: metric, services, how it is added up, grouped and narrowed. */
export function Builder({ question, aggregation, metrics, onChange, onTypeMetric }: BuilderProps) {
  const { metric, services, groupBy, tags, step, kind, top, rank } = question;
  const keys = useTagKeys(metric);
  const columns = (keys.data?.columns ?? []).map((value): Suggestion => ({ value, note: 'column' }));
  const known = [...columns, ...(keys.data?.keys ?? []).map((value): Suggestion => ({ value, text: inertText(value), note: 'tag' }))];
  const sending = metrics.find(({ metric_name }) => metric_name === metric)?.services ?? [];
  const add = (list: string[], value: string, most: number) => (list.includes(value) || list.length >= most ? list : [...list, value]);
  return (
    <Card className="builder">
      <div className="builder-row">
        <SuggestField label="Metric" value={metric} free suggestions={metrics.map(({ metric_name, metric_type }) => ({ value: metric_name, text: inertText(metric_name), note: metric_type }))} onChoose={(chosen) => chosen !== '' && onChange({ metric: chosen, aggregation: null })} onType={onTypeMetric} />
        <Select label="Aggregation" quiet={false} value={aggregation} options={AGGREGATIONS.map((value) => ({ value, text: aggregationWords(value) }))} onChange={(value) => onChange({ aggregation: value as Aggregation })} />
        <SuggestField label={`Services${services.length === 0 ? ': all' : ''}`} clears free value="" placeholder="Add a service" suggestions={sending.filter((name) => !services.includes(name)).map((value) => ({ value, text: inertText(value) }))} onChoose={(value) => onChange({ services: add(services, value, MOST.services) })} />
        <SuggestField label="Group by" clears value="" placeholder="Add a column or tag" isLoading={keys.isPending} suggestions={known.filter(({ value }) => !groupBy.includes(value))} onChoose={(value) => onChange({ groupBy: add(groupBy, value, MOST.groups) })} />
        <TagFilter key={metric} metric={metric} services={services} keys={known} isLoading={keys.isPending} onAdd={(key, value) => onChange({ tags: [...tags.filter((tag) => tag.key !== key || tag.value !== value), { key, value }].slice(0, MOST.tags) })} />
        <Select label="Step" quiet={false} value={step === null ? '' : String(step)} options={[{ value: '', text: 'Automatic' }, { value: 'fine', text: 'Finest, down-sampled' }, ...STEPS.map((seconds) => ({ value: String(seconds), text: stepWords(seconds) }))]} onChange={(value) => onChange({ step: value === '' ? null : value === 'fine' ? 'fine' : Number(value) })} />
        <Select label="Drawn as" quiet={false} value={kind} options={KINDS.map((value) => ({ value, text: KIND_WORDS[value] }))} onChange={(value) => onChange({ kind: value as Question['kind'] })} />
        {groupBy.length > 0 && (
          <>
            <Select label="At first" quiet={false} value={String(top)} options={TOPS.map((value) => ({ value: String(value), text: `the top ${value}` }))} onChange={(value) => onChange({ top: Number(value) })} />
            <Select label="by" quiet={false} value={rank} options={RANKS.map((value) => ({ value, text: RANK_WORDS[value] }))} onChange={(value) => onChange({ rank: value as Question['rank'] })} />
          </>
        )}
      </div>
      {services.length + groupBy.length + tags.length > 0 && (
        <div className="builder-chosen">
          <Chosen title="Services" values={services} onRemove={(value) => onChange({ services: services.filter((each) => each !== value) })} />
          <Chosen title="Group by" values={groupBy} onRemove={(value) => onChange({ groupBy: groupBy.filter((each) => each !== value) })} />
          <Chosen title="Where" values={tags.map(textOfTag)} onRemove={(value) => onChange({ tags: tags.filter((tag) => textOfTag(tag) !== value) })} textOf={(text) => tagOf(text).map((tag) => `${tag.key} = ${tag.value === '' ? '(none)' : tag.value}`)[0] ?? text} />
        </div>
      )}
    </Card>
  );
}

function Chosen({ title, values, onRemove, textOf = (value) => value }: { title: string; values: readonly string[]; onRemove: (value: string) => void; textOf?: (value: string) => string }) {
  if (values.length === 0) return null;
  return (
    <div className="builder-chips">
      <span className="soft" aria-hidden="true">{title}</span>
      <Chips label={title} values={values} textOf={(value) => inertText(textOf(value))} onRemove={onRemove} />
    </div>
  );
}

interface TagFilterProps {
  metric: string;
  services: readonly string[];
  keys: readonly Suggestion[];
  isLoading: boolean;
  onAdd: (key: string, value: string) => void;
}

/** First the key, then one of the values it has. */
function TagFilter({ metric, services, keys, isLoading, onAdd }: TagFilterProps) {
  const [key, setKey] = useState('');
  const [typed, setTyped] = useState('');
  const values = useTagValues(metric, services, key, typed);
  const suggestions = (values.data?.values ?? []).map(({ value, count }): Suggestion => ({ value, text: value === '' ? '(none)' : inertText(value), note: compact(count) }));
  if (key === '') return <SuggestField label="Where" clears value="" placeholder="Narrow by a column or tag" isLoading={isLoading} suggestions={keys} onChoose={setKey} />;
  return (
    <div className="builder-tag">
      <SuggestField
        key={key}
        autoFocus
        label={`Where ${key} is`}
        clears
        free
        value=""
        placeholder="A value"
        isLoading={values.isPending}
        suggestions={suggestions}
        onType={setTyped}
        onChoose={(value) => {
          onAdd(key, value);
          setKey('');
          setTyped('');
        }}
      />
      <Button className="ghost" aria-label={`Do not narrow by ${key}`} onClick={() => setKey('')}>✕</Button>
    </div>
  );
}

function stepWords(seconds: number): string {
  if (seconds < 60) return `${seconds} s`;
  if (seconds < 3600) return `${seconds / 60} min`;
  return seconds < 86_400 ? `${seconds / 3600} h` : `${seconds / 86_400} d`;
}
