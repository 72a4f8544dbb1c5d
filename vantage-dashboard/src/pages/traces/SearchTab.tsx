import { useInfiniteQuery, useQuery } from '@tanstack/react-query';
import { useMemo, useState, type SubmitEvent } from 'react';
import { useNavigate } from 'react-router';
import { answer, http } from '../../api/client';
import type { Api } from '../../api/types';
import { useLinkTo, useParameters, useRange } from '../../app/address';
import { comingBack } from '../../app/queries';
import { useServices } from '../../app/services';
import { Button } from '../../ui/Button';
import { Select, SettledField, TextField } from '../../ui/Field';
import { Card } from '../../ui/Page';
import { Answer, EmptyState } from '../../ui/states';
import { SuggestField } from '../../ui/SuggestField';
import { Scatter } from './Scatter';
import { joined } from './scatter';
import { conditionsOf, problemsOf, searchOf, traceIdIn, type Search, type SearchQuery } from './search';
import { TraceList } from './TraceList';

const PAGE = 50;
const OVERVIEW = 500;
const OVERVIEW_EVERY_MS = 30_000;

export function SearchTab() {
  const [parameters] = useParameters();
  const search = useMemo(() => searchOf(parameters), [parameters]);
  const [isReading, setIsReading] = useState(false);
  const found = useFound(search, isReading);
  const listed = useMemo(() => (found.data?.pages ?? []).flatMap((page) => page.traces), [found.data]);
  const reading = { onPointerEnter: () => setIsReading(true), onPointerLeave: () => setIsReading(false), onFocus: () => setIsReading(true), onBlur: () => setIsReading(false) };
  return (
    <>
      <Filters search={search} operations={operationsOf(listed)} />
      <Overview search={search} listed={listed} />
      <Answer
        of={found}
        empty={() =>
          listed.length === 0 && !found.hasNextPage ? (
            <EmptyState title="No traces found">Nothing fits in this range. A wider one, or fewer conditions, may find more.</EmptyState>
          ) : null
        }
      >
        {() => (
          <section className="found" aria-label="Found traces" {...reading}>
            <TraceList traces={listed} />
            <footer className="found-more">
              <span className="soft num">{listed.length.toLocaleString('en-US')} {listed.length === 1 ? 'trace' : 'traces'}, {search.sort} first</span>
              {found.hasNextPage && <Button disabled={found.isFetchingNextPage} onClick={() => void found.fetchNextPage()}>{found.isFetchingNextPage ? 'Looking…' : listed.length === 0 ? 'Look further back' : 'More traces'}</Button>}
            </footer>
          </section>
        )}
      </Answer>
    </>
  );
}

type Bounds = Record<'start' | 'end', string>;
type FoundPage = Api<'TracePage'> & { asked: Bounds };

/** Page by page. The pages after the first are of the first one's range; a list that is being read stays as it is. */
function useFound(search: Search, isReading: boolean) {
  const range = useRange();
  const conditions = conditionsOf(search);
  return useInfiniteQuery({
    queryKey: ['traces', 'found', conditions, search.sort, range.key],
    queryFn: async ({ pageParam, signal }): Promise<FoundPage> => {
      const asked = pageParam?.asked ?? range.query();
      const page = await answer(http.GET('/traces/search', { params: { query: { ...conditions, ...asked, sort: search.sort, limit: PAGE, ...(pageParam && { cursor: pageParam.cursor }) } }, signal }));
      return { ...page, asked };
    },
    initialPageParam: null as { cursor: string; asked: Bounds } | null,
    getNextPageParam: ({ next_cursor, asked }: FoundPage) => (next_cursor === null ? undefined : { cursor: next_cursor, asked }),
    placeholderData: (before, query) => (sameConditions(query?.queryKey[2] as SearchQuery | undefined, conditions) ? before : undefined),
    refetchInterval: (query) => {
      const isLong = (query.state.data?.pages.length ?? 0) > 1;
      return comingBack(isReading || isLong ? false : range.refetchInterval)(query);
    },
  });
}

const sameConditions = (one: SearchQuery | undefined, other: SearchQuery): boolean => JSON.stringify(one) === JSON.stringify(other);

/** The slowest of the whole range beside what is listed: the newest fifty are the last seconds of it. */
function Overview({ search, listed }: { search: Search; listed: readonly Api<'TraceSummary'>[] }) {
  const range = useRange();
  const conditions = conditionsOf(search);
  const slowest = useQuery({
    queryKey: ['traces', 'overview', conditions, range.key],
    queryFn: async ({ signal }) => {
      const asked = range.query();
      const page = await answer(http.GET('/traces/search', { params: { query: { ...conditions, ...asked, sort: 'slowest', limit: OVERVIEW } }, signal }));
      return { ...page, asked };
    },
    placeholderData: (before, query) => (sameConditions(query?.queryKey[2] as SearchQuery | undefined, conditions) ? before : undefined),
    refetchInterval: comingBack(range.refetchInterval && Math.max(range.refetchInterval, OVERVIEW_EVERY_MS)),
  });
  return (
    <Card title="Overview" className="overview" tools={<OverviewLegend />}>
      <Answer of={slowest} loading={<div className="scatter-wait" role="status" aria-label="Loading" data-testid="loading" />}>
        {({ traces, next_cursor, asked }) => {
          const start = Number(asked.start), end = Math.max(Number(asked.end), listed[0]?.start ?? 0);
          return (
            <Scatter
              traces={joined(traces, listed)}
              start={start}
              end={end}
              note={next_cursor === null ? `All ${traces.length} of the range` : `The ${traces.length} slowest of the range, and those listed`}
              onZoom={(from, to) => range.set({ start: from, end: to })}
            />
          );
        }}
      </Answer>
    </Card>
  );
}

function OverviewLegend() {
  return (
    <span className="scatter-legend soft">
      <span><svg width="10" height="10" aria-hidden="true"><circle cx="5" cy="5" r="3.5" className="dot" /></svg> without errors</span>
      <span><svg width="10" height="10" aria-hidden="true"><path d="M5 0L10 5L5 10L0 5z" className="dot failed" /></svg> with failed spans</span>
      <span className="scatter-hint">drag to zoom into a time</span>
    </span>
  );
}

const STATUSES = [{ value: '', text: 'Any status' }, { value: 'ok', text: 'Without errors' }, { value: 'error', text: 'Failed' }];
const ORDERS = [{ value: 'newest', text: 'Newest first' }, { value: 'slowest', text: 'Slowest first' }];
const CONDITIONS = ['service', 'operation', 'status', 'min', 'max', 'tags'] as const;

function Filters({ search, operations }: { search: Search; operations: readonly string[] }) {
  const [, change] = useParameters();
  const services = useServices();
  const names = [...new Set(services.data?.services.map((service) => service.service_name))];
  const set = (name: string) => (value: string) => change({ [name]: value === '' ? null : value });
  const problems = problemsOf(search);
  const isNarrowed = CONDITIONS.some((name) => search[name] !== '');
  return (
    <div className="trace-filters" role="search" aria-label="Traces">
      <SuggestField label="Service" quiet placeholder="Any service" free value={search.service} suggestions={names.map((value) => ({ value }))} onChoose={set('service')} />
      <SuggestField label="Operation" quiet placeholder="Any operation" free value={search.operation} suggestions={operations.map((value) => ({ value }))} onChoose={set('operation')} />
      <Select label="Status" value={search.status} options={STATUSES} onChange={set('status')} />
      <Select label="Order" value={search.sort} options={ORDERS} onChange={(value) => change({ sort: value === 'newest' ? null : value })} />
      <span className="filter-durations">
        <SettledField label="Least duration" placeholder="from 250ms" value={search.min} aria-invalid={problems.min !== undefined} onChange={set('min')} />
        <SettledField label="Greatest duration" placeholder="to 2s" value={search.max} aria-invalid={problems.max !== undefined} onChange={set('max')} />
      </span>
      <SettledField label="Tags" className="control filter-tags" placeholder="Tags, as http.route:/cart" value={search.tags} aria-invalid={problems.tags !== undefined} onChange={set('tags')} />
      {isNarrowed && <Button className="ghost" onClick={() => change(Object.fromEntries(CONDITIONS.map((name) => [name, null])))}>Clear</Button>}
      <OpenById />
      {Object.entries(problems).map(([field, problem]) => <p key={field} className="filter-problem" role="alert"><span className="tone-degraded" aria-hidden="true">▲ </span>{problem}</p>)}
    </div>
  );
}

function OpenById() {
  const [text, setText] = useState('');
  const navigate = useNavigate();
  const linkTo = useLinkTo();
  const traceId = traceIdIn(text);
  const open = (e: SubmitEvent) => {
    e.preventDefault();
    if (traceId !== null) void navigate(linkTo(`/traces/${encodeURIComponent(traceId)}`));
  };
  return (
    <form className="open-by-id" onSubmit={open}>
      <TextField label="Trace id" placeholder="Trace id" className="control mono" value={text} onChange={setText} />
      <Button type="submit" disabled={traceId === null}>Open</Button>
    </form>
  );
}

const operationsOf = (traces: readonly Api<'TraceSummary'>[]): string[] => [...new Set(traces.map((trace) => trace.name))].sort();
