import { useState } from 'react';
import { answer, http } from '../../api/client';
import type { Api } from '../../api/types';
import { useParameters } from '../../app/address';
import { inertText } from '../../stream/logs';
import { Button } from '../../ui/Button';
import { DataTable } from '../../ui/DataTable';
import { SettledField } from '../../ui/Field';
import type { Column } from '../../ui/sortedRows';
import { Answer, EmptyState } from '../../ui/states';
import { ruleWords } from './figures';
import { severityLook } from './looks';
import { Confirm, Mark, Moment, Refusal, Switch, Wording } from './parts';
import { useActive, useChange, useRules } from './queries';
import { RuleDialog } from './RuleDialog';

export type RuleView = Api<'RuleView'>;
const NEW = 'new';

/** All rules, and the form of the one that the address names. */
export function RulesTab() {
  const [parameters, change] = useParameters();
  const rules = useRules();
  const open = parameters.get('rule'), copied = parameters.get('copy');
  const close = () => change({ rule: null, copy: null });
  return (
    <>
      <div className="alerts-filters">
        <SettledField label="Rule or service" placeholder="Rule or service" type="search" value={parameters.get('q') ?? ''} onChange={(q) => change({ q: q === '' ? null : q })} />
        <Button className="primary" onClick={() => change({ rule: NEW })}>New rule</Button>
      </div>
      <Answer of={rules}>
        {(data) => (
          <>
            <RuleTable rules={data.rules} />
            {open === NEW && <RuleDialog view={null} template={data.rules.find(({ id }) => id === copied)?.rule ?? null} onClose={close} />}
            {open !== null && open !== NEW && <OpenRule id={open} rules={data.rules} onClose={close} />}
          </>
        )}
      </Answer>
    </>
  );
}

/** As it was when it was opened: what others change meanwhile must not change what is being typed. */
function OpenRule({ id, rules, onClose }: { id: string; rules: readonly RuleView[]; onClose: () => void }) {
  const view = rules.find((each) => each.id === id);
  return view ? <RuleDialog key={id} view={view} template={null} onClose={onClose} /> : <p role="alert">There is no rule {inertText(id)}.</p>;
}

function RuleTable({ rules }: { rules: readonly RuleView[] }) {
  const [parameters, change] = useParameters();
  const [dropped, setDropped] = useState<RuleView | null>(null);
  const firing = countByRule(useActive().data?.alerts ?? []);
  const toggle = useChange(({ view, enabled }: { view: RuleView; enabled: boolean }) =>
    answer(http.PATCH('/api/alerts/rules/{id}', { params: { path: { id: view.id }, query: { version: view.version } }, body: { enabled } })),
  );
  const text = (parameters.get('q') ?? '').toLowerCase();
  const shown = rules.filter(({ id, rule }) => `${rule?.name ?? id}\n${rule?.service ?? ''}`.toLowerCase().includes(text));
  const columns: Column<RuleView>[] = [
    {
      key: 'name',
      title: 'Rule',
      sortBy: ({ rule, id }) => rule?.name ?? id,
      cell: (view) => (
        <>
          <button type="button" className="alerts-open-rule" onClick={() => change({ rule: view.id })}><Wording>{view.rule?.name ?? view.id}</Wording></button>
          {view.built_in && <span className="alerts-tag">built in</span>}
          <span className="soft alerts-sub">{view.rule ? ruleWords(view.rule) : 'This version of Vantage cannot read it.'}</span>
          {view.error !== null && <span className="alerts-sub"><span className="tone-degraded" aria-hidden="true">▲ </span><Wording>{view.error}</Wording></span>}
        </>
      ),
    },
    { key: 'service', title: 'Service', wide: true, sortBy: ({ rule }) => rule?.service ?? null, cell: ({ rule }) => (rule?.service === '*' ? 'each' : <Wording>{rule?.service ?? '–'}</Wording>) },
    { key: 'severity', title: 'Severity', wide: true, sortBy: ({ rule }) => rule?.severity ?? null, cell: ({ rule }) => rule && <Mark look={severityLook(rule.severity)} /> },
    { key: 'channels', title: 'Channels', wide: true, numeric: true, sortBy: ({ rule }) => rule?.channels.length ?? null, cell: ({ rule }) => rule?.channels.length ?? '–' },
    { key: 'alive', title: 'Alive', numeric: true, sortBy: ({ id }) => firing.get(id) ?? 0, cell: ({ id }) => firing.get(id) ?? 0 },
    { key: 'changed', title: 'Changed', wide: true, sortBy: ({ changed }) => changed, cell: ({ changed, author }) => (changed === 0 ? <span className="soft">never</span> : <><Moment at={changed} /> <span className="soft alerts-sub">by <Wording>{author}</Wording></span></>) },
    {
      key: 'actions',
      title: 'On',
      cell: (view) => (
        <span className="alerts-row-actions">
          {view.rule && <Switch label={`${inertText(view.rule.name)} is on`} on={view.rule.enabled} disabled={toggle.isPending} onChange={(enabled) => toggle.mutate({ view, enabled })} />}
          <Button className="ghost" aria-label={`Copy ${inertText(view.rule?.name ?? view.id)}`} disabled={view.rule === null} onClick={() => change({ rule: NEW, copy: view.id })}>Copy</Button>
          {!view.built_in && <Button className="ghost danger" aria-label={`Delete ${inertText(view.rule?.name ?? view.id)}`} onClick={() => setDropped(view)}>Delete</Button>}
        </span>
      ),
    },
  ];
  const [sort, setSort] = [parameters.get('sort') ?? 'name', (value: string) => change({ sort: value })];
  return (
    <>
      <Refusal error={toggle.error} />
      {shown.length === 0 ? <EmptyState title="No rule fits">There are {rules.length} rules.</EmptyState> : <DataTable caption="Alert rules" columns={columns} rows={shown} rowKey={({ id }) => id} sort={sort} onSort={setSort} isCurrent={({ id }) => id === parameters.get('rule')} />}
      {dropped && <DropRule view={dropped} onClose={() => setDropped(null)} />}
    </>
  );
}

function countByRule(alerts: readonly Api<'AlertView'>[]): ReadonlyMap<string, number> {
  const counts = new Map<string, number>();
  for (const { rule_id } of alerts) counts.set(rule_id, (counts.get(rule_id) ?? 0) + 1);
  return counts;
}

function DropRule({ view, onClose }: { view: RuleView; onClose: () => void }) {
  const drop = useChange(() => answer(http.DELETE('/api/alerts/rules/{id}', { params: { path: { id: view.id } } })), onClose);
  return (
    <Confirm title="Delete this rule" confirm="Delete" isWaiting={drop.isPending} error={drop.error} onConfirm={() => drop.mutate(undefined)} onClose={onClose}>
      <p>“<Wording>{view.rule?.name ?? view.id}</Wording>” is gone then, and its alerts are resolved within seconds. Its history stays.</p>
    </Confirm>
  );
}
