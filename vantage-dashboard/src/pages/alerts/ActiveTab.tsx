import { useParameters } from '../../app/address';
import { useMediaQuery } from '../../app/context';
import { Button } from '../../ui/Button';
import { Select, SettledField } from '../../ui/Field';
import { Answer, EmptyState } from '../../ui/states';
import { AlertDetail } from './AlertDetail';
import { figureFormat, type Rule } from './figures';
import { useAge, useAgeMs } from './live';
import { stateLook } from './looks';
import { Mark, Wording } from './parts';
import { useActive, useRules, type ActiveAlerts, type Alert } from './queries';

const WIDE = '(min-width: 1040px)';
const STATES = ['firing', 'acknowledged', 'pending'] as const;
const EVALUATION_IS_LATE_MS = 90_000;

/** What is alive now: a list, and beside it (instead of it where there is no room) the alert that is looked at. */
export function ActiveTab() {
  const active = useActive();
  return <Answer of={active} empty={nothing}>{(data) => <ActiveAlertsView active={data} />}</Answer>;
}

function nothing({ total, evaluated }: ActiveAlerts) {
  return total > 0 ? null : <AllQuiet evaluated={evaluated} />;
}

function AllQuiet({ evaluated }: { evaluated: number | null }) {
  const age = useAge();
  const [parameters, change] = useParameters();
  const rules = useRules().data?.rules.filter(({ rule }) => rule?.enabled).length;
  const chosen = parameters.get('alert');
  if (chosen !== null) return <Gone id={chosen} />;
  if (evaluated === null) return <EmptyState title="Nobody evaluates the rules">No replica of the API has done so yet, or VANTAGE_ALERTS_INTERVAL_S is 0 on all of them.</EmptyState>;
  return (
    <EmptyState title="Nothing fires" action={<Button onClick={() => change({ tab: 'history', alert: null })}>What was</Button>}>
      {rules === undefined ? 'All rules are' : `${rules} ${rules === 1 ? 'rule is' : 'rules are'}`} within bounds, as of {age(evaluated)}{age(evaluated) === 'just now' ? '' : ' ago'}.
    </EmptyState>
  );
}

function ActiveAlertsView({ active }: { active: ActiveAlerts }) {
  const [parameters, change] = useParameters();
  const isWide = useMediaQuery(WIDE);
  const rules = new Map(useRules().data?.rules.map((each) => [each.id, each.rule]));
  const shown = fitting(active.alerts, parameters);
  const chosen = parameters.get('alert');
  const open = chosen ?? (isWide ? (shown[0]?.id ?? null) : null);
  const opened = active.alerts.find(({ id }) => id === open);
  return (
    <>
      <NotEvaluated at={active.evaluated} />
      <div className="alerts-active">
        {(isWide || open === null) && (
          <section aria-label="Active alerts">
            <Filters />
            {shown.length === 0 && <p className="soft">None of {active.total} alerts fits the filter.</p>}
            {STATES.map((state) => (
              <Group key={state} alerts={shown.filter((alert) => alert.state === state)} rules={rules} open={open} onOpen={(id) => change({ alert: id })} />
            ))}
            {active.total > active.alerts.length && <p className="soft">{active.total - active.alerts.length} more are not listed.</p>}
          </section>
        )}
        {open !== null && (
          <section aria-label="Alert" className="alerts-open">
            {!isWide && <Button onClick={() => change({ alert: null })}>← All alerts</Button>}
            {opened ? <AlertDetail key={opened.id} alert={opened} rule={rules.get(opened.rule_id) ?? null} /> : <Gone id={open} />}
          </section>
        )}
      </div>
    </>
  );
}

function fitting(alerts: readonly Alert[], parameters: URLSearchParams): Alert[] {
  const text = (parameters.get('q') ?? '').toLowerCase(), severity = parameters.get('severity'), state = parameters.get('state');
  return alerts.filter(
    (alert) =>
      (severity === null || alert.severity === severity) &&
      (state === null || alert.state === state) &&
      `${alert.service_name}\n${alert.rule_name}`.toLowerCase().includes(text),
  );
}

function Filters() {
  const [parameters, change] = useParameters();
  const set = (name: string) => (value: string) => change({ [name]: value === '' ? null : value });
  return (
    <div className="alerts-filters">
      <SettledField label="Service or rule" placeholder="Service or rule" type="search" value={parameters.get('q') ?? ''} onChange={set('q')} />
      <Select label="Severity" value={parameters.get('severity') ?? ''} options={[{ value: '', text: 'Any severity' }, { value: 'critical', text: 'Critical' }, { value: 'warning', text: 'Warning' }]} onChange={set('severity')} />
      <Select label="State" value={parameters.get('state') ?? ''} options={[{ value: '', text: 'Any state' }, ...STATES.map((state) => ({ value: state, text: stateLook({ state, severity: 'critical' }).word }))]} onChange={set('state')} />
    </div>
  );
}

interface GroupProps {
  alerts: readonly Alert[];
  rules: ReadonlyMap<string, Rule | null>;
  open: string | null;
  onOpen: (id: string) => void;
}

/** Alerts of one state. */
function Group({ alerts, rules, open, onOpen }: GroupProps) {
  const age = useAge();
  const [first] = alerts;
  if (!first) return null;
  return (
    <>
      <h2 className="alerts-group">{stateLook(first).word} <span className="soft num">{alerts.length}</span></h2>
      <ul className="alerts-list">
        {alerts.map((alert) => {
          const format = figureFormat(rules.get(alert.rule_id) ?? null);
          return (
            <li key={alert.id}>
              <button type="button" className="alerts-row" data-state={alert.state} data-severity={alert.severity} aria-current={alert.id === open || undefined} onClick={() => onOpen(alert.id)}>
                <span className="alerts-row-what">
                  <Wording className="alerts-row-service">{alert.service_name}</Wording>
                  <Wording className="soft">{alert.rule_name}</Wording>
                </span>
                <span className="alerts-row-figures num">
                  <strong>{format(alert.value)}</strong>
                  <span className="soft">{alert.expected === null ? 'limit' : 'normal'} {format(alert.expected ?? alert.threshold)}</span>
                </span>
                <span className="alerts-row-state">
                  <Mark look={stateLook(alert)} />
                  <span className="soft">{alert.severity}{alert.silenced_by !== null && ', silenced'} · <span className="num">{age(alert.started)}</span></span>
                </span>
              </button>
            </li>
          );
        })}
      </ul>
    </>
  );
}

function Gone({ id }: { id: string }) {
  const [, change] = useParameters();
  return (
    <EmptyState title="This alert is over" action={<Button onClick={() => change({ tab: 'history', alert: id })}>Its history</Button>}>
      It was resolved, or passed before it fired.
    </EmptyState>
  );
}

/** Alerts of an evaluator that stands still are old news. */
function NotEvaluated({ at }: { at: number | null }) {
  const age = useAge(), ageMs = useAgeMs();
  if (at !== null && ageMs(at) < EVALUATION_IS_LATE_MS) return null;
  return (
    <p className="stale" role="status">
      <span className="tone-degraded" aria-hidden="true">▲ </span>
      {at === null ? 'Nobody evaluates the rules at the moment: these alerts may be out of date.' : `The rules were last evaluated ${age(at)} ago: these alerts may be out of date.`}
    </p>
  );
}
