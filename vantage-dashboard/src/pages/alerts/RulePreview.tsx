import { useState } from 'react';
import type { Api } from '../../api/types';
import { inertText } from '../../stream/logs';
import { Button } from '../../ui/Button';
import { DataTable } from '../../ui/DataTable';
import { Select } from '../../ui/Field';
import { timeTicks } from '../../ui/series';
import type { Column } from '../../ui/sortedRows';
import { FigureChart } from './FigureChart';
import { formatOf, thresholdOf, type Rule } from './figures';
import { severityLook } from './looks';
import { lanesOf, PREVIEW_RANGES, type Days, type Lane } from './lanes';
import { Mark, Moment, Wording } from './parts';
import { bodyOf, type RuleDraft } from './ruleDraft';
import { spanWords } from './spans';

type Firing = Api<'FiringView'>;

interface Tried {
  rule: Rule;
  found: Api<'PreviewView'>;
}

interface RulePreviewProps {
  draft: RuleDraft;
  days: Days;
  onDays: (days: Days) => void;
  isTrying: boolean;
  tried: Tried | null;
  onTry: () => void;
}

/** What the rule would have done, on stored days. */
export function RulePreview({ draft, days, onDays, isTrying, tried, onTry }: RulePreviewProps) {
  if (draft.kind === 'health') return <p className="soft">A health rule cannot be tried on the past: no scores are stored as they were judged.</p>;
  const isOutdated = tried !== null && JSON.stringify(tried.rule) !== JSON.stringify(bodyOf(draft));
  return (
    <section className="alerts-preview" aria-label="Preview">
      <div className="alerts-filters">
        <h3>Would have fired</h3>
        <Select label="Time it is tried on" value={days} options={Object.entries(PREVIEW_RANGES).map(([value, { text }]) => ({ value, text }))} onChange={(value) => onDays(value as Days)} />
        <Button disabled={isTrying} onClick={onTry}>{isTrying ? 'Trying…' : 'Try it'}</Button>
        <span className="soft" role="status">{isTrying ? 'The past is read and judged.' : isOutdated ? '▲ The rule has changed since: try it again.' : ''}</span>
      </div>
      {tried === null && !isTrying && <p className="soft">Tries the rule on what is stored, before it is kept. Windows stand side by side there: an alert may begin or end up to a window later than it would have.</p>}
      {tried && <Outcome tried={tried} />}
    </section>
  );
}

function Outcome({ tried: { rule, found } }: { tried: Tried }) {
  const lanes = lanesOf(found);
  const [chosen, setChosen] = useState<string | null>(null);
  const service = lanes.find((lane) => lane.service === chosen)?.service ?? lanes[0]?.service ?? (rule.service === '*' ? null : rule.service);
  const spans = lanes.find((lane) => lane.service === service)?.spans ?? [];
  return (
    <>
      <p data-testid="preview-outcome">
        <strong>{found.total === 0 ? 'It would not have fired' : `It would have fired ${found.total === 1 ? 'once' : `${found.total} times`}`}</strong>
        {`, of ${found.services} ${found.services === 1 ? 'service' : 'services'} looked at`}
        {found.left_out > 0 && `; ${found.left_out} quieter ones were left out`}.
      </p>
      {lanes.length > 0 && <Lanes lanes={lanes} start={found.start} end={found.end} chosen={service} onChoose={setChosen} />}
      {service !== null && (
        <>
          <h4><Wording>{service}</Wording></h4>
          <FigureChart rule={rule} service={service} lengthMs={found.end - found.start} end={found.end} threshold={thresholdOf(rule)} spans={spans} />
        </>
      )}
      {found.firings.length > 0 && <FiringTable rule={rule} firings={found.firings} total={found.total} />}
    </>
  );
}

const LANES_SHOWN = 12;

/** When it would have fired, a line a service. The table below says the same. */
function Lanes({ lanes, start, end, chosen, onChoose }: { lanes: readonly Lane[]; start: number; end: number; chosen: string | null; onChoose: (service: string) => void }) {
  const at = (time: number) => ((Math.min(end, Math.max(start, time)) - start) / (end - start)) * 100;
  return (
    <ul className="alerts-lanes">
      {lanes.slice(0, LANES_SHOWN).map(({ service, spans, isCritical }) => (
        <li key={service}>
          <button type="button" aria-pressed={service === chosen} onClick={() => onChoose(service)}>
            <Wording>{service}</Wording>
            <svg viewBox="0 0 100 10" preserveAspectRatio="none" aria-hidden="true">
              <line x1={0} x2={100} y1={5} y2={5} />
              {timeTicks(start, end).map((tick) => <line key={tick} x1={at(tick)} x2={at(tick)} y1={2} y2={8} />)}
              {spans.map((span) => <rect key={span.start} data-critical={isCritical || undefined} x={at(span.start)} width={Math.max(0.6, at(span.end ?? end) - at(span.start))} y={1} height={8} />)}
            </svg>
            <span className="num soft">{spans.length}×</span>
          </button>
        </li>
      ))}
      {lanes.length > LANES_SHOWN && <li className="soft">{lanes.length - LANES_SHOWN} more services are in the table.</li>}
    </ul>
  );
}

function FiringTable({ rule, firings, total }: { rule: Rule; firings: readonly Firing[]; total: number }) {
  const format = formatOf(rule);
  const columns: Column<Firing>[] = [
    { key: 'service', title: 'Service', cell: ({ service_name }) => <Wording>{service_name}</Wording> },
    { key: 'fired', title: 'Fired', cell: ({ fired }) => <Moment at={fired} /> },
    { key: 'for', title: 'For', numeric: true, cell: ({ fired, ended }) => (ended === null ? 'still' : spanWords(Math.round((ended - fired) / 1000))) },
    { key: 'severity', title: 'Severity', wide: true, cell: ({ severity }) => <Mark look={severityLook(severity)} /> },
    { key: 'value', title: 'Value', numeric: true, cell: ({ value }) => format(value) },
    { key: 'limit', title: 'Limit', numeric: true, wide: true, cell: ({ threshold }) => format(threshold) },
  ];
  return (
    <details>
      <summary>{total > firings.length ? `The first ${firings.length} of ${total} firings` : 'As a table'}</summary>
      <DataTable caption={`When ${inertText(rule.name)} would have fired`} columns={columns} rows={firings} rowKey={({ service_name, fired }) => `${service_name} ${fired}`} />
    </details>
  );
}
