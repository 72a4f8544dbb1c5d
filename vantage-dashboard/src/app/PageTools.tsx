import { Fragment, useState } from 'react';
import { Button } from '../ui/Button';
import { Dialog } from '../ui/Dialog';
import { Field, Select } from '../ui/Field';
import { useEnvironment, useRange } from './address';
import { bounds, PRESETS, rangeWords, type Preset, type Range } from './range';
import { useServices } from './services';

/** What narrows most pages: where (environment) and when (range). Both live in the address. */
export function PageTools({ environment = true, range = true }: { environment?: boolean; range?: boolean }) {
  return (
    <Fragment>
      {environment && <EnvironmentPicker />}
      {range && <RangePicker />}
    </Fragment>
  );
}

export function EnvironmentPicker() {
  const [environment, setEnvironment] = useEnvironment();
  const { data } = useServices();
  const known = [...new Set((data?.services ?? []).map((service) => service.environment))].sort();
  return <Select label="Environment" value={environment} options={[{ value: '', text: 'All environments' }, ...known]} onChange={setEnvironment} />;
}

const CUSTOM = 'custom';

export function RangePicker() {
  const { range, set } = useRange();
  const [isChoosing, setIsChoosing] = useState(false);
  const value = 'preset' in range ? range.preset : CUSTOM;
  const options = [...PRESETS.map((preset) => ({ value: preset, text: rangeWords({ preset }) })), { value: CUSTOM, text: 'preset' in range ? 'From … to …' : rangeWords(range) }];
  return (
    <span className="range-picker">
      <Select label="Time range" value={value} options={options} onChange={(chosen) => (chosen === CUSTOM ? setIsChoosing(true) : set({ preset: chosen as Preset }))} />
      {!('preset' in range) && <Button onClick={() => setIsChoosing(true)}>Change</Button>}
      {isChoosing && <RangeDialog range={range} onChoose={set} onClose={() => setIsChoosing(false)} />}
    </span>
  );
}

function RangeDialog({ range, onChoose, onClose }: { range: Range; onChoose: (range: Range) => void; onClose: () => void }) {
  const [{ start, end }, setChosen] = useState(() => {
    const now = bounds(range);
    return { start: toLocal(now.start), end: toLocal(now.end) };
  });
  const from = new Date(start).getTime(), to = new Date(end).getTime();
  const isOrdered = to > from;
  const choose = () => {
    onChoose({ start: from, end: to });
    onClose();
  };
  return (
    <Dialog title="Time range" onClose={onClose} actions={<Button disabled={!isOrdered} onClick={choose}>Show</Button>}>
      <div className="page-tools">
        <Field label="From"><input className="control" type="datetime-local" step={1} value={start} onChange={(e) => setChosen({ start: e.target.value, end })} /></Field>
        <Field label="To"><input className="control" type="datetime-local" step={1} value={end} aria-invalid={!isOrdered} onChange={(e) => setChosen({ start, end: e.target.value })} /></Field>
      </div>
      {!isOrdered && <p role="alert">The end has to be after the begin.</p>}
    </Dialog>
  );
}

/** As a datetime-local field takes it: the local clock without a zone. */
function toLocal(epochMs: number): string {
  return new Date(epochMs - new Date(epochMs).getTimezoneOffset() * 60_000).toISOString().slice(0, 19);
}
