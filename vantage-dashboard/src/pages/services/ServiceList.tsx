import { useMemo } from 'react';
import { Link } from 'react-router';
import { useEnvironment, useLinkTo, useParameters, useRange, type RangeInAddress } from '../../app/address';
import { PageTools } from '../../app/PageTools';
import { rangeWords } from '../../app/range';
import { inertText } from '../../stream/logs';
import { Button } from '../../ui/Button';
import { DataTable } from '../../ui/DataTable';
import { Select, SettledField } from '../../ui/Field';
import { duration, percent, rate } from '../../ui/format';
import { Page } from '../../ui/Page';
import { sortedRows, type Column } from '../../ui/sortedRows';
import { Sparkline } from '../../ui/Sparkline';
import { Answer, EmptyState } from '../../ui/states';
import { StatusMark } from '../../ui/StatusMark';
import { useAllServices, useSparklines, type AllServices } from './questions';
import { ago, countByStatus, fitting, idOf, lookOf, pageOf, severityOf, type Service } from './serviceList';

const DEFAULT_SORT = 'status';

export function ServiceList() {
  const [environment] = useEnvironment();
  const all = useAllServices(environment);
  return (
    <Page title="Services" tools={<PageTools />}>
      <Answer of={all} empty={({ total }) => (total === 0 ? <NoServices environment={environment} /> : null)}>
        {(found) => <Fleet all={found} at={all.dataUpdatedAt} />}
      </Answer>
    </Page>
  );
}

function NoServices({ environment }: { environment: string }) {
  return (
    <EmptyState title={environment === '' ? 'No service has sent anything yet' : `No service in ${environment} has sent anything yet`}>
      A service appears here with its first request, span, metric or log line: by the agent or by OpenTelemetry.
    </EmptyState>
  );
}

function Fleet({ all: { services, total }, at }: { all: AllServices; at: number }) {
  const [parameters, change] = useParameters();
  const range = useRange();
  const filter = { text: parameters.get('q') ?? '', status: parameters.get('status') ?? '', district: parameters.get('district') ?? '' };
  const sort = parameters.get('sort') ?? DEFAULT_SORT;
  const narrow = (changes: Record<string, string | null>) => change({ ...changes, page: null });
  const found = fitting(services, filter);
  // Equals stay in the order of their names, in which the API lists them.
  const { rows, page, pages, from } = pageOf(sortedRows(found, SORTED, sort), Number(parameters.get('page') ?? 1));
  const hasOneEnvironment = services.every(({ environment }) => environment === services[0]?.environment);
  const columns = useColumns(rows, range, at, !hasOneEnvironment);
  const isFiltered = filter.text !== '' || filter.status !== '' || filter.district !== '';
  return (
    <>
      <StatusFilter services={services} chosen={filter.status} onChoose={(status) => narrow({ status: status || null })} />
      <div className="page-tools services-tools">
        <SettledField label="Filter by name or version" placeholder="Name or version" type="search" value={filter.text} onChange={(text) => narrow({ q: text || null })} />
        <Select label="District" value={filter.district} options={[{ value: '', text: 'All districts' }, ...districtsOf(services)]} onChange={(district) => narrow({ district: district || null })} />
        {isFiltered && <Button onClick={() => narrow({ q: null, status: null, district: null })}>Clear filters</Button>}
        <span className="soft num services-count" role="status">{isFiltered ? `${found.length} of ${total.toLocaleString('en-US')} services` : `${total.toLocaleString('en-US')} services`}</span>
      </div>
      {found.length === 0 ? <EmptyState title="No service fits">Nothing of {total.toLocaleString('en-US')} services fits the filter.</EmptyState> : (
        <DataTable caption="Services" columns={columns} rows={rows} rowKey={idOf} sort={sort} onSort={(next) => narrow({ sort: next === DEFAULT_SORT ? null : next })} />
      )}
      {pages > 1 && <Pages page={page} pages={pages} from={from} to={from + rows.length - 1} of={found.length} onPage={(next) => change({ page: next === 1 ? null : String(next) })} />}
    </>
  );
}

function StatusFilter({ services, chosen, onChoose }: { services: readonly Service[]; chosen: string; onChoose: (status: string) => void }) {
  return (
    <div className="status-filter" role="group" aria-label="Status">
      {countByStatus(services).map(({ status, count }) => {
        const { glyph, tone, word } = lookOf({ status });
        return (
          <button key={status} type="button" className="status-tile" aria-pressed={status === chosen} onClick={() => onChoose(status === chosen ? '' : status)}>
            <b className="num">{count.toLocaleString('en-US')}</b>
            <StatusMark glyph={glyph} tone={tone}>{word}</StatusMark>
          </button>
        );
      })}
    </div>
  );
}

interface PagesProps {
  page: number;
  pages: number;
  from: number;
  to: number;
  of: number;
  onPage: (page: number) => void;
}

function Pages({ page, pages, from, to, of, onPage }: PagesProps) {
  return (
    <nav className="pages" aria-label="Pages of services">
      <Button disabled={page === 1} onClick={() => onPage(1)}>First</Button>
      <Button disabled={page === 1} onClick={() => onPage(page - 1)}>Previous</Button>
      <span className="soft num" role="status">{from.toLocaleString('en-US')}–{to.toLocaleString('en-US')} of {of.toLocaleString('en-US')}</span>
      <Button disabled={page === pages} onClick={() => onPage(page + 1)}>Next</Button>
      <Button disabled={page === pages} onClick={() => onPage(pages)}>Last</Button>
    </nav>
  );
}

const districtsOf = (services: readonly Service[]): string[] => [...new Set(services.map(({ district }) => district))].filter((name) => name !== '').sort();

/** What a column is sorted by is asked of all services, what it shows only of those on the page. */
const SORTED: Column<Service>[] = [
  { key: 'service', title: 'Service', cell: () => null, sortBy: ({ service_name }) => service_name },
  { key: 'status', title: 'Status', cell: () => null, sortBy: severityOf },
  { key: 'district', title: 'District', cell: () => null, sortBy: ({ district }) => district, wide: true },
  { key: 'health', title: 'Health', cell: () => null, sortBy: ({ health_score }) => health_score, numeric: true, wide: true },
  { key: 'requests', title: 'Requests', cell: () => null, sortBy: ({ requests_per_second }) => requests_per_second, numeric: true },
  { key: 'trend', title: '', cell: () => null, wide: true },
  { key: 'errors', title: 'Errors', cell: () => null, sortBy: ({ error_ratio }) => error_ratio, numeric: true },
  { key: 'p95', title: 'p95', cell: () => null, sortBy: ({ p95_ms }) => p95_ms, numeric: true },
  { key: 'pods', title: 'Pods', cell: () => null, sortBy: ({ pods }) => pods, numeric: true, wide: true },
  { key: 'version', title: 'Version', cell: () => null, sortBy: ({ version }) => version, wide: true },
  { key: 'seen', title: 'Last seen', cell: () => null, sortBy: ({ last_seen }) => last_seen, numeric: true, wide: true },
];

function useColumns(rows: readonly Service[], range: RangeInAddress, at: number, namesEnvironment: boolean): Column<Service>[] {
  const linkTo = useLinkTo();
  const [environment] = useEnvironment();
  const { data: sparklines } = useSparklines(rows, range);
  const words = rangeWords(range.range);
  return useMemo(() => {
    const cells: Record<string, Column<Service>['cell']> = {
      service: (service) => (
        <Link className="service-link" to={linkTo(`/services/${encodeURIComponent(service.service_name)}`, environment === '' ? { env: service.environment } : {})}>
          <span className="clamp">{inertText(service.service_name)}</span>
          {namesEnvironment && <span className="soft service-environment"> {inertText(service.environment)}</span>}
        </Link>
      ),
      status: (service) => {
        const { glyph, tone, word } = lookOf(service);
        return <span className="status-cell"><StatusMark glyph={glyph} tone={tone}>{word}</StatusMark></span>;
      },
      district: ({ district }) => <span className="clamp">{inertText(district)}</span>,
      health: ({ health_score }) => health_score ?? '–',
      requests: ({ requests_per_second }) => <>{rate(requests_per_second)}<small className="soft">/s</small></>,
      trend: (service) => {
        const values = sparklines?.get(idOf(service));
        return values ? <Sparkline values={values} label={`Requests, ${words}: ${trendWords(values)}`} /> : null;
      },
      errors: ({ error_ratio }) => <span className={(error_ratio ?? 0) >= 0.05 ? 'tone-unhealthy' : (error_ratio ?? 0) >= 0.01 ? 'tone-degraded' : ''}>{percent(error_ratio)}</span>,
      p95: ({ p95_ms }) => duration(p95_ms),
      pods: ({ pods }) => pods,
      version: ({ version }) => <span className="mono clamp">{version === '' ? '–' : inertText(version)}</span>,
      seen: ({ last_seen }) => <time dateTime={new Date(last_seen).toISOString()}>{ago(last_seen, at)}</time>,
    };
    return SORTED.map((column) => ({ ...column, title: column.key === 'trend' ? words : column.title, cell: cells[column.key]! }));
  }, [linkTo, environment, namesEnvironment, sparklines, words, at]);
}

/** A line in words, for who does not see it. */
function trendWords(values: readonly (number | null)[]): string {
  const known = values.map((value) => value ?? 0), half = Math.floor(known.length / 2);
  const sum = (part: number[]) => part.reduce((total, value) => total + value, 0);
  const before = sum(known.slice(0, half)), after = sum(known.slice(half));
  if (before + after === 0) return 'none';
  if (after > 1.25 * before) return 'rising';
  return after < 0.8 * before ? 'falling' : 'steady';
}
