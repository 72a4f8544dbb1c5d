import { useInfiniteQuery } from '@tanstack/react-query';
import { Link } from 'react-router';
import { answer, http } from '../../api/client';
import type { Api } from '../../api/types';
import { useLinkTo, useParameters, useRange } from '../../app/address';
import { Button } from '../../ui/Button';
import { DataTable } from '../../ui/DataTable';
import { Select, SettledField } from '../../ui/Field';
import type { Column } from '../../ui/sortedRows';
import { Answer, EmptyState } from '../../ui/states';
import { figureFormat, type Rule } from './figures';
import { happeningLook } from './looks';
import { Mark, Moment, Wording } from './parts';
import { ALERTS, useRules } from './queries';

type Change = Api<'EventView'>;
const PAGE = 100;

/** Where a page of the history begins. Its range is that of the first page, so that offsets count the same changes. */
interface Place {
  start: string;
  end: string;
  offset: number;
}

/** Every change of every alert. */
export function HistoryTab() {
  const [parameters, change] = useParameters();
  const { key, query: range, refetchInterval } = useRange();
  const rules = useRules().data?.rules ?? [];
  const service = parameters.get('service') ?? '', rule = parameters.get('rule') ?? '', alert = parameters.get('alert') ?? '';
  const asked = useInfiniteQuery({
    queryKey: [ALERTS, 'history', service, rule, alert, key],
    initialPageParam: null as Place | null,
    queryFn: async ({ pageParam, signal }) => {
      const place = pageParam ?? { ...range(), offset: 0 };
      const query = { ...place, limit: PAGE, ...(service !== '' && { service }), ...(rule !== '' && { rule }), ...(alert !== '' && { alert }) };
      return { place, ...(await answer(http.GET('/api/alerts/history', { params: { query }, signal }))) };
    },
    getNextPageParam: ({ place, next_offset }) => (next_offset === null ? null : { ...place, offset: next_offset }),
    refetchInterval,
  });
  const bodies = new Map(rules.map((each) => [each.id, each.rule]));
  const set = (name: string) => (value: string) => change({ [name]: value === '' ? null : value });
  const isFiltered = service !== '' || rule !== '' || alert !== '';
  return (
    <>
      <div className="alerts-filters">
        <SettledField label="Service" placeholder="Service, whole name" type="search" value={service} onChange={set('service')} />
        <Select label="Rule" value={rule} options={[{ value: '', text: 'Any rule' }, ...rules.map((each) => ({ value: each.id, text: each.rule?.name ?? each.id }))]} onChange={set('rule')} />
        {alert !== '' && <Button onClick={() => change({ alert: null })}>Of one alert ✕<span className="visually-hidden"> show all</span></Button>}
      </div>
      <Answer of={asked} empty={({ pages }) => (pages[0]?.events.length === 0 && !asked.hasNextPage ? <EmptyState title="Nothing has happened">{isFiltered ? 'Nothing in this time fits the filter.' : 'No alert has changed in this time.'}</EmptyState> : null)}>
        {({ pages }) => (
          <>
            <DataTable caption="Changes of alerts, the newest first" columns={columnsFor(bodies)} rows={pages.flatMap(({ events }) => events)} rowKey={(each) => `${each.alert_id} ${each.at} ${each.happening}`} />
            {asked.hasNextPage && <p className="alerts-older"><Button disabled={asked.isFetchingNextPage} onClick={() => void asked.fetchNextPage()}>{asked.isFetchingNextPage ? 'Loading…' : 'Older'}</Button></p>}
          </>
        )}
      </Answer>
    </>
  );
}

function columnsFor(rules: ReadonlyMap<string, Rule | null>): Column<Change>[] {
  return [
    { key: 'at', title: 'When', cell: ({ at }) => <Moment at={at} /> },
    { key: 'happening', title: 'What', cell: ({ happening, severity }) => <Mark look={happeningLook(happening, severity)} /> },
    { key: 'service', title: 'Service', cell: ({ service_name }) => <ServiceLink name={service_name} /> },
    { key: 'rule', title: 'Rule', cell: (change) => <AlertLink change={change} /> },
    { key: 'value', title: 'Value', numeric: true, cell: ({ value, rule_id }) => figureFormat(rules.get(rule_id) ?? null)(value) },
    { key: 'limit', title: 'Limit', numeric: true, wide: true, cell: ({ threshold, rule_id }) => figureFormat(rules.get(rule_id) ?? null)(threshold) },
    { key: 'severity', title: 'Severity', wide: true, cell: ({ severity }) => severity },
    { key: 'by', title: 'By', wide: true, cell: ({ author, comment }) => <span className="soft"><Wording>{comment === '' ? author : `${author}: ${comment}`}</Wording></span> },
  ];
}

function ServiceLink({ name }: { name: string }) {
  const linkTo = useLinkTo();
  return <Link to={linkTo(`/services/${encodeURIComponent(name)}`)}><Wording>{name}</Wording></Link>;
}

/** To the history of this alert alone. */
function AlertLink({ change: { alert_id, rule_name } }: { change: Change }) {
  const linkTo = useLinkTo();
  return <Link to={linkTo('/alerts', { tab: 'history', alert: alert_id })}><Wording>{rule_name}</Wording></Link>;
}
