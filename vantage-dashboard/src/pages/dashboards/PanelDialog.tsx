import { lazy, Suspense, useEffect, useMemo, useState } from 'react';
import { useRange } from '../../app/address';
import { bounds } from '../../app/range';
import { Button } from '../../ui/Button';
import { Dialog } from '../../ui/Dialog';
import { Select, TextField } from '../../ui/Field';
import { duration } from '../../ui/format';
import { Loading } from '../../ui/states';
import { useNames } from '../query/useNames';
import type { VqlProblem } from '../query/VqlEditor';
import { usePreview } from './data';
import type { Panel } from './draft';
import { unknownVariable } from './fill';
import { PanelBody } from './PanelBody';
import { PanelError } from './PanelFrame';
import { UNIT_WORDS, UNITS } from './units';

const VqlEditor = lazy(() => import('../query/VqlEditor'));

const CHARTS = [
  ...[{ value: 'line', text: 'Lines' }, { value: 'area', text: 'Areas, stacked' }, { value: 'bar', text: 'Bars' }],
  ...[{ value: 'number', text: 'Number' }, { value: 'table', text: 'Table' }, { value: 'heatmap', text: 'Heatmap' }],
] as { value: Panel['chart']; text: string }[];
const PREVIEW_PX = 240;
const TYPING_PAUSE_MS = 700;

interface PanelDialogProps {
  panel: Panel;
  values: Record<string, string>;
  onApply: (panel: Panel) => void;
  onClose: () => void;
}

/** A panel's query and chart, with what it shows while it is written. */
export function PanelDialog({ panel: before, values, onApply, onClose }: PanelDialogProps) {
  const [panel, setPanel] = useState(before);
  const [asked, setAsked] = useState(before.query);
  const set = (part: Partial<Panel>) => setPanel((now) => ({ ...now, ...part }));
  useEffect(() => {
    const timer = window.setTimeout(() => setAsked(panel.query), TYPING_PAUSE_MS);
    return () => window.clearTimeout(timer);
  }, [panel.query]);
  const names = useNames();
  const variables = useMemo(() => ['interval', ...Object.keys(values)], [values]);
  const unknown = unknownVariable(asked, variables);
  const preview = usePreview({ ...panel, query: unknown ? '' : asked }, values);
  const error: ProblemOfPanel | null = unknown ? { code: 'unknown_variable', message: `There is no variable $${unknown.name}`, hint: `There is ${variables.map((name) => `$${name}`).join(', ')}`, position: unknown.position } : (preview.data?.error ?? null);
  const { message = null, hint = null, position = null } = error ?? {};
  const problem = useMemo<VqlProblem | null>(() => (message === null ? null : { message, hint, position, of: asked }), [message, hint, position, asked]);
  return (
    <Dialog wide title={before.query === '' ? 'New panel' : 'Edit panel'} onClose={onClose} actions={<><Button onClick={onClose}>Cancel</Button><Button className="primary" disabled={panel.query.trim() === ''} onClick={() => onApply(panel)}>Apply</Button></>}>
      <div className="panel-form">
        <div className="panel-form-fields">
          <TextField label="Title" quiet={false} maxLength={200} value={panel.title} onChange={(title) => set({ title })} />
          <Select label="Chart" quiet={false} value={panel.chart} options={CHARTS} onChange={(chart) => set({ chart: chart as Panel['chart'] })} />
          {panel.chart !== 'table' && <Options panel={panel} onChange={(options) => set({ options })} />}
        </div>
        <Suspense fallback={<Loading lines={3} />}>
          <VqlEditor label="Query of the panel" value={panel.query} onChange={(query) => set({ query })} onRun={() => setAsked(panel.query)} names={names} variables={variables} problem={problem} placeholder="SELECT count() FROM metrics TIMESERIES $interval" />
        </Suspense>
        <p className="soft panel-form-hint">The page’s range applies unless the query has its own SINCE or UNTIL. {variables.map((name) => `$${name}`).join(', ')} {variables.length === 1 ? 'is' : 'are'} filled in.</p>
        <section className="panel-preview" aria-label="Preview">
          <Preview panel={panel} error={error} preview={preview} query={asked} />
        </section>
      </div>
    </Dialog>
  );
}

type ProblemOfPanel = Parameters<typeof PanelError>[0]['error'];
type Options = Panel['options'];

function Options({ panel: { chart, options }, onChange }: { panel: Panel; onChange: (options: Options) => void }) {
  const unit = typeof options['unit'] === 'string' ? options['unit'] : '';
  const set = (name: string, value: Options[string]) => onChange(Object.fromEntries(Object.entries({ ...options, [name]: value }).filter(([, each]) => each !== '' && each !== null)));
  const limit = (name: string, label: string) => <TextField label={label} quiet={false} type="number" step="any" value={typeof options[name] === 'number' ? String(options[name]) : ''} onChange={(text) => set(name, text === '' ? null : Number(text))} />;
  return (
    <>
      <Select label="Unit" quiet={false} value={unit} options={UNITS.map((value) => ({ value, text: UNIT_WORDS[value]! }))} onChange={(value) => set('unit', value)} />
      {chart === 'number' && limit('warn_above', 'High above')}
      {chart === 'number' && limit('bad_above', 'Too high above')}
    </>
  );
}

function Preview({ panel, error, preview, query }: { panel: Panel; error: ProblemOfPanel | null; preview: ReturnType<typeof usePreview>; query: string }) {
  const { range } = useRange();
  const { start, end } = bounds(range);
  if (query.trim() === '') return <p className="soft panel-empty">What the query finds is drawn here.</p>;
  if (error) return <PanelError error={error} query={query} />;
  if (preview.error) return <p role="alert">{preview.error.message}</p>;
  if (!preview.data) return <Loading lines={4} />;
  const { row_count, truncated, elapsed_ms } = preview.data;
  return (
    <>
      <PanelBody panel={panel} data={preview.data} heightPx={PREVIEW_PX} start={start} end={end} />
      <p className="soft num panel-form-hint" role="status">{truncated ? 'More than ' : ''}{row_count} {row_count === 1 ? 'row' : 'rows'} in {duration(elapsed_ms)}</p>
    </>
  );
}
