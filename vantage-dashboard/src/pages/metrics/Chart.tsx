import { lazy, Suspense, useMemo, useState } from 'react';
import { Link, useNavigate } from 'react-router';
import { useEnvironment, useLinkTo, useRange } from '../../app/address';
import { bounds } from '../../app/range';
import { inertText } from '../../stream/logs';
import { Button } from '../../ui/Button';
import { DataTable } from '../../ui/DataTable';
import { clockTime, duration } from '../../ui/format';
import { Card } from '../../ui/Page';
import { nextShown } from '../../ui/series';
import type { ChartMark } from '../../ui/SeriesChart';
import { SeriesNumbers } from '../../ui/SeriesChartCard';
import { SeriesToggle, ZoomTools } from '../../ui/SeriesChartTools';
import type { Column } from '../../ui/sortedRows';
import { Answer, EmptyState, Loading } from '../../ui/states';
import type { Api } from '../../api/types';
import { download } from './download';
import { aggregationWords, drawnKeys, formatOf, namedSeries, type NamedSeries } from './named';
import type { Aggregation, Question } from './question';
import { seriesAsCsv, useExemplars, useSeries, withoutExemplars, type ExemplarOf } from './questions';
import type { ChangeQuestion } from './useQuestion';
import { vqlOf } from './vql';

const SeriesChart = lazy(() => import('../../ui/SeriesChart'));
const HEIGHT = 340;

interface ChartProps {
  question: Question;
  aggregation: Aggregation;
  /** Whether the metric came lately. */
  isKnown: boolean;
  onChange: ChangeQuestion;
}

export function Chart({ question, aggregation, isKnown, onChange }: ChartProps) {
  const [environment] = useEnvironment();
  const range = useRange();
  const asked = useSeries(question, aggregation, environment, range);
  const nothing = isKnown
    ? <EmptyState title="Nothing in this time">The metric came from none of these services in this range, or none of its observations fits.</EmptyState>
    : <EmptyState title={`No metric ${question.metric.slice(0, 200)} came in the last day`}>Choose another one; the field suggests those that came.</EmptyState>;
  return (
    <Answer of={asked} loading={<Card><Loading lines={9} /></Card>} empty={({ series }) => (series.every(({ points }) => points.every(([, value]) => value === null)) ? nothing : null)}>
      {(found) => <Drawn found={found} question={question} aggregation={aggregation} onChange={onChange} />}
    </Answer>
  );
}

function Drawn({ found, question, aggregation, onChange }: { found: Api<'Timeseries'>; question: Question; aggregation: Aggregation; onChange: ChangeQuestion }) {
  const { metric, rank, top, only, kind } = question;
  const [environment] = useEnvironment();
  const range = useRange();
  const navigate = useNavigate();
  const linkTo = useLinkTo();
  const [pointed, setPointed] = useState<string | null>(null);
  const series = useMemo(() => namedSeries(found, aggregation, rank, `${aggregationWords(aggregation)} of ${metric}`), [found, aggregation, rank, metric]);
  const keys = useMemo(() => drawnKeys(series, only, top), [series, only, top]);
  // In the order of names, with those that were drawn before others were chosen: a line keeps its colour.
  const palette = useMemo(() => {
    const coloured = new Set([...keys, ...drawnKeys(series, [], top)]);
    return series.filter(({ key }) => coloured.has(key)).sort((a, b) => a.name.localeCompare(b.name));
  }, [series, keys, top]);
  const hidden = useMemo(() => palette.flatMap(({ key }) => (keys.includes(key) ? [] : [key])), [palette, keys]);
  const drawn = useMemo(() => palette.filter(({ key }) => keys.includes(key)), [palette, keys]);
  const exemplars = useExemplars(question, aggregation, environment, range);
  const marks = useMemo(() => (withoutExemplars(question, aggregation) === null ? (exemplars.data ?? []) : []).map(markOf), [question, aggregation, exemplars.data]);
  const format = useMemo(() => formatOf(metric, aggregation), [metric, aggregation]);
  const zoom = (start: number, end: number) => range.set({ start: Math.round(start), end: Math.round(end) });
  const vql = vqlOf({ question, aggregation, environment, stepS: found.step_s, range: range.range, source: found.source });
  const title = `${aggregationWords(aggregation)} of ${inertText(metric)}`;
  const tools = (
    <div className="page-tools">
      <ZoomTools span={() => bounds(range.range)} onZoom={zoom} />
      <CsvButton question={question} aggregation={aggregation} />
      <Link className="button" to={linkTo('/query', { q: vql })}>Open as query</Link>
    </div>
  );
  return (
    <>
      <Card title={title} tools={tools} className="metric-chart">
        <Suspense fallback={<div style={{ height: HEIGHT }} />}>
          <SeriesChart
            label={title}
            series={palette}
            hidden={hidden}
            kind={kind}
            format={format}
            height={HEIGHT}
            start={found.start}
            end={found.end}
            onZoom={zoom}
            highlighted={pointed !== null && keys.includes(pointed) ? [pointed] : []}
            marks={kind === 'line' ? marks : []}
            onMark={({ key }) => void navigate(linkTo(`/traces/${traceOf(key)}`))}
          />
        </Suspense>
        <p className="chart-note soft">{readFrom(found)}{drawn.length < series.length && ` ${drawn.length} of ${series.length} series are drawn; the table below has the others.`}</p>
        <SeriesTable series={series} palette={palette} shown={keys} isGrouped={question.groupBy.length > 0} format={format} onOnly={(next) => onChange({ only: next })} onPoint={setPointed} />
        <SeriesNumbers title={title} series={drawn} format={format} />
      </Card>
      <Exemplars question={question} aggregation={aggregation} found={exemplars.data} format={format} onChange={onChange} />
    </>
  );
}

function readFrom({ source, step_s, downsampled }: Api<'Timeseries'>): string {
  const step = `Read from ${source}, a value every ${step_s < 60 ? `${step_s} s` : duration(step_s * 1000)}.`;
  return downsampled ? `${step} Down-sampled from ${downsampled.from_points} points to ${downsampled.to_points} (LTTB keeps peaks and gaps).` : step;
}

const MOST_LISTED = 200;

interface TableProps {
  series: readonly NamedSeries[];
  /** Those that have a colour, in the order of the chart. */
  palette: readonly NamedSeries[];
  shown: readonly string[];
  isGrouped: boolean;
  format: (value: number) => string;
  onOnly: (keys: string[]) => void;
  onPoint: (key: string | null) => void;
}

/** The legend, with what each line says in four numbers. */
function SeriesTable({ series, palette, shown, isGrouped, format, onOnly, onPoint }: TableProps) {
  const [sort, setSort] = useState('');
  const number = (key: 'last' | 'min' | 'mean' | 'max', title: string): Column<NamedSeries> => ({
    key, title, numeric: true, wide: key === 'min' || key === 'mean',
    sortBy: ({ figures }) => figures[key],
    cell: ({ figures }) => { const value = figures[key]; return value === null ? '–' : format(value); },
  });
  const columns: Column<NamedSeries>[] = [
    {
      key: 'name',
      title: isGrouped ? `Series (${series.length})` : 'Series',
      sortBy: ({ name }) => name,
      cell: ({ key, name }) => {
        const index = palette.findIndex((each) => each.key === key);
        return <SeriesToggle index={index} isDrawn={index >= 0} name={inertText(name)} isShown={shown.includes(key)} onChoose={(toggles) => onOnly(nextShown(series.map((each) => each.key), shown, key, toggles))} onPoint={(isOver) => onPoint(isOver ? key : null)} />;
      },
    },
    number('last', 'Last'), number('min', 'Least'), number('mean', 'Mean'), number('max', 'Greatest'),
  ];
  return (
    <div className="series-table">
      <DataTable caption="Series" columns={columns} rows={series.slice(0, MOST_LISTED)} rowKey={({ key }) => key} sort={sort} onSort={setSort} />
      {series.length > MOST_LISTED && <p className="soft">And {series.length - MOST_LISTED} more: the CSV file has all of them.</p>}
      {series.length > 1 && <p className="soft chart-note">Click a name to see it alone, with Shift or Ctrl to add or remove it; Enter does the same.</p>}
    </div>
  );
}

function CsvButton({ question, aggregation }: { question: Question; aggregation: Aggregation }) {
  const [environment] = useEnvironment();
  const range = useRange();
  const [said, say] = useState('');
  const save = async () => {
    try {
      download(`${question.metric}.csv`, await seriesAsCsv(question, aggregation, environment, range));
      say('saved');
    } catch (error) {
      say(error instanceof Error ? error.message : String(error));
    }
  };
  return (
    <>
      <Button title={aggregation === 'per_second' ? 'Observations of every step, not a second' : undefined} onClick={() => void save()}>CSV</Button>
      <span role="status" className={said === 'saved' ? 'visually-hidden' : 'tone-unhealthy'}>{said}</span>
    </>
  );
}

function markOf({ timestamp, value, trace_id, span_id, service, endpoint, method }: ExemplarOf): ChartMark {
  return { key: `${trace_id}/${span_id}`, time: timestamp, value, title: `${inertText(`${service} ${method} ${endpoint}`)}: ${duration(value)}, opens its trace` };
}

const traceOf = (key: string): string => key.split('/')[0]!;

function Exemplars({ question, aggregation, found = [], format, onChange }: { question: Question; aggregation: Aggregation; found: readonly ExemplarOf[] | undefined; format: (value: number) => string; onChange: ChangeQuestion }) {
  const linkTo = useLinkTo();
  const why = withoutExemplars(question, aggregation);
  const columns: Column<ExemplarOf>[] = [
    { key: 'at', title: 'Trace', cell: ({ timestamp, trace_id, span_id }) => <Link className="num" to={linkTo(`/traces/${trace_id}`, { span: span_id })}>{clockTime(timestamp)}</Link> },
    { key: 'what', title: 'Request', cell: ({ service, method, endpoint }) => <span className="clamp">{inertText(`${service} ${method} ${endpoint}`)}</span> },
    { key: 'status', title: 'Status', numeric: true, wide: true, cell: ({ status_code }) => (status_code === 0 ? '–' : status_code) },
    { key: 'value', title: 'Value', numeric: true, cell: ({ value }) => format(value) },
  ];
  const switcher = <Button pressed={question.exemplars} onClick={() => onChange({ exemplars: !question.exemplars })}>Marks in the chart</Button>;
  return (
    <Card title="Single observations with a trace" tools={switcher}>
      {why !== null ? <p className="soft nothing">{why}</p> : found.length === 0 ? <p className="soft nothing">No observation of this time kept a trace.</p> : (
        <DataTable caption="Single observations with a trace, the greatest first" columns={columns} rows={found.slice(0, 12)} rowKey={({ trace_id, span_id, timestamp }) => `${trace_id} ${span_id} ${timestamp}`} />
      )}
    </Card>
  );
}
