import { useInfiniteQuery } from '@tanstack/react-query';
import { ApiError, answer, http } from '../../api/client';
import type { Api } from '../../api/types';
import { useParameters, useRange } from '../../app/address';
import { RangePicker } from '../../app/PageTools';
import { inertText } from '../../stream/logs';
import { Button } from '../../ui/Button';
import { DataTable } from '../../ui/DataTable';
import { Select, SettledField } from '../../ui/Field';
import type { Column } from '../../ui/sortedRows';
import { Answer, EmptyState } from '../../ui/states';

type Entry = Api<'AuditEntry'>;
const PAGE = 100;
const KINDS = ['alert', 'alert rule', 'silence', 'channel', 'dashboard'];

/** Who did what. Only for keys of admins; the API says so to others. */
export function AuditTrail() {
  const [parameters, change] = useParameters();
  const { key, query: range, refetchInterval } = useRange();
  const kind = parameters.get('kind') ?? '', author = parameters.get('author') ?? '';
  const asked = useInfiniteQuery({
    queryKey: ['audit', kind, author, key],
    initialPageParam: null as { start: string; end: string; cursor: string } | null,
    queryFn: async ({ pageParam, signal }) => {
      const place = pageParam ?? range();
      const query = { ...place, limit: PAGE, ...(kind !== '' && { kind }), ...(author !== '' && { author }) };
      return { place, ...(await answer(http.GET('/api/audit', { params: { query }, signal }))) };
    },
    getNextPageParam: ({ place: { start, end }, cursor }) => (cursor === null ? null : { start, end, cursor }),
    // What this key may not see it may not see in a minute either.
    refetchInterval: ({ state }) => (state.error instanceof ApiError ? false : refetchInterval),
  });
  const set = (name: string) => (value: string) => change({ [name]: value === '' ? null : value });
  return (
    <>
      <div className="settings-filters">
        <Select label="Kind" value={kind} options={[{ value: '', text: 'Any kind' }, ...KINDS]} onChange={set('kind')} />
        <SettledField label="Author" placeholder="Author: id of a key" type="search" value={author} onChange={set('author')} />
        <RangePicker />
      </div>
      <Answer of={asked} empty={({ pages }) => (pages[0]?.entries.length === 0 && !asked.hasNextPage ? <EmptyState title="Nothing was changed">{kind + author === '' ? 'In this time nobody has changed anything.' : 'Nothing in this time fits the filter.'}</EmptyState> : null)}>
        {({ pages }) => (
          <>
            <DataTable caption="Changes, the newest first" columns={COLUMNS} rows={pages.flatMap(({ entries }) => entries)} rowKey={({ at, kind: of, id, action }) => `${at} ${of} ${id} ${action}`} />
            {asked.hasNextPage && <p className="settings-older"><Button disabled={asked.isFetchingNextPage} onClick={() => void asked.fetchNextPage()}>{asked.isFetchingNextPage ? 'Loading…' : 'Older'}</Button></p>}
          </>
        )}
      </Answer>
    </>
  );
}

const WHEN = new Intl.DateTimeFormat(undefined, { month: 'short', day: 'numeric', hour: '2-digit', minute: '2-digit', second: '2-digit', hourCycle: 'h23' });

const COLUMNS: Column<Entry>[] = [
  { key: 'at', title: 'When', cell: ({ at }) => <time className="num settings-time" dateTime={new Date(at).toISOString()}>{WHEN.format(at)}</time> },
  { key: 'author', title: 'Who', cell: ({ author }) => <span className="settings-name">{inertText(author)}</span> },
  { key: 'action', title: 'Did', cell: ({ action }) => inertText(action) },
  { key: 'kind', title: 'What', cell: ({ kind, body }) => <><span>{inertText(kind)}</span> <span className="soft settings-name">{nameOf(body)}</span></> },
  { key: 'id', title: 'Id', wide: true, cell: ({ id }) => <span className="mono settings-name">{inertText(id)}</span> },
  { key: 'body', title: 'Since then it is', cell: ({ body }) => (body === null ? <span className="soft">gone</span> : <details><summary>Show</summary><pre className="mono">{inertJson(body)}</pre></details>) },
];

function nameOf(body: Entry['body']): string {
  const name = body?.['name'] ?? body?.['title'] ?? body?.['service'];
  return typeof name === 'string' ? inertText(name) : '';
}

const inertJson = (body: object): string => JSON.stringify(body, null, 2).split('\n').map(inertText).join('\n');
