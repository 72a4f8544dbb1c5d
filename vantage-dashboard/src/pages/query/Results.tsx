import { Download, RefreshCw } from 'lucide-react';
import { useState } from 'react';
import { answer, http } from '../../api/client';
import type { Api } from '../../api/types';
import { useParameters } from '../../app/address';
import { Button } from '../../ui/Button';
import { clockTime, duration } from '../../ui/format';
import { Card } from '../../ui/Page';
import { Answer, EmptyState, type Asked } from '../../ui/states';
import { Explain } from './Explain';
import { numberText } from './results/cells';
import { ResultChart, type Kind } from './results/ResultChart';
import { ResultTable } from './results/ResultTable';
import { guessRoles, hasTime, readRoles, writeRoles, type Roles } from './results/shape';
import { saveFile } from './save';
import { DEFAULT_LIMIT, isCut } from './vql/tokens';

type Result = Api<'VqlResult'>;
const VIEWS = [{ name: 'chart', title: 'Chart' }, { name: 'table', title: 'Table' }, { name: 'explain', title: 'Explain' }] as const;
type View = (typeof VIEWS)[number]['name'];

interface ResultsProps {
  query: string;
  asked: Asked<Result> & { fetchStatus: string };
  onRun: () => void;
  onAnew: () => void;
  /** The editor holds another text by now. */
  isEdited: boolean;
}

export function Results({ query, asked, onRun, onAnew, isEdited }: ResultsProps) {
  const [parameters, change] = useParameters();
  const wanted = VIEWS.find(({ name }) => name === parameters.get('view'))?.name;
  const view = wanted ?? (asked.data && drawsByItself(asked.data) ? 'chart' : 'table');
  const isCancelled = asked.data === undefined && asked.error === null && asked.fetchStatus === 'idle';
  return (
    <Card className="query-results" title="Result" tools={<Views view={view} onView={(chosen) => change({ view: chosen })} />}>
      {isEdited && <p className="soft query-note">The query in the editor has changed since: this answers the one that ran.</p>}
      {view === 'explain'
        ? <Explain query={query} />
        : isCancelled
          ? <EmptyState title="The query was cancelled" action={<Button onClick={onRun}>Run it again</Button>}>The platform has stopped it, too.</EmptyState>
          : (
            <Answer of={asked}>
              {(result) => (
                <>
                  <Facts query={query} result={result} at={asked.dataUpdatedAt} onAnew={onAnew} />
                  {result.row_count === 0 ? <EmptyState title="No rows">Nothing fits the conditions in this span of time.</EmptyState> : <Drawn view={view} result={result} parameters={parameters} change={change} />}
                </>
              )}
            </Answer>
          )}
    </Card>
  );
}

function Views({ view, onView }: { view: View; onView: (view: View) => void }) {
  return <div className="query-views" role="group" aria-label="Show as">{VIEWS.map(({ name, title }) => <Button key={name} pressed={name === view} onClick={() => onView(name)}>{title}</Button>)}</div>;
}

interface DrawnProps {
  view: View;
  result: Result;
  parameters: URLSearchParams;
  change: (changes: Record<string, string | null>) => void;
}

function Drawn({ view, result, parameters, change }: DrawnProps) {
  const roles = readRoles(parameters.get('roles') ?? '', result.columns);
  const kind = parameters.get('chart');
  if (view === 'table') return <ResultTable table={result} caption="Rows of the answer" sort={parameters.get('sort') ?? ''} onSort={(sort) => change({ sort })} />;
  return <ResultChart table={result} kind={kind === 'area' || kind === 'bar' ? kind : 'line'} onKind={(chosen: Kind) => change({ chart: chosen })} roles={roles} onRoles={(chosen: Roles) => change({ roles: writeRoles(chosen) })} />;
}

/** How many rows, how fast, from where, and of when. */
function Facts({ query, result, at, onAnew }: { query: string; result: Result; at: number; onAnew: () => void }) {
  return (
    <div className="query-facts">
      <p role="status">
        <strong className="num">{numberText(result.row_count)}</strong> {result.row_count === 1 ? 'row' : 'rows'} in <strong className="num">{duration(result.elapsed_ms)}</strong>
        <span className="soft"> from <span className="mono">{result.source}</span> at <span className="num">{clockTime(at, false)}</span></span>
        {isCut(query, result.row_count) && <span className="query-cut"><span className="tone-degraded" aria-hidden="true">▲ </span>cut at {DEFAULT_LIMIT} rows: give it a LIMIT of up to 10,000</span>}
        {result.cached && <span className="query-cached" title="Somebody asked the same lately">cached</span>}
      </p>
      {result.cached && <Button className="ghost" onClick={onAnew}><RefreshCw aria-hidden="true" size={14} />Ask the store</Button>}
      <DownloadCsv query={query} />
    </div>
  );
}

/** The API writes the file: it makes texts inert that a spreadsheet would take for formulas. */
function DownloadCsv({ query }: { query: string }) {
  const [failure, setFailure] = useState('');
  const [isBusy, setIsBusy] = useState(false);
  const download = async () => {
    setIsBusy(true);
    setFailure('');
    try {
      const file: unknown = await answer(http.POST('/vql/execute', { params: { query: { format: 'csv' } }, body: { query }, parseAs: 'blob' }));
      saveFile('query.csv', file as Blob);
    } catch (error) {
      setFailure(error instanceof Error ? error.message : String(error));
    } finally {
      setIsBusy(false);
    }
  };
  return (
    <>
      {failure !== '' && <span role="alert">{failure}</span>}
      <Button disabled={isBusy} onClick={() => void download()}><Download aria-hidden="true" size={14} />CSV</Button>
    </>
  );
}

/** Steps of time are a chart first; rows with a time of their own, and anything else, are a table. */
function drawsByItself({ columns, rows }: Result): boolean {
  const roles = guessRoles(columns);
  return rows.length > 1 && hasTime(roles) && roles[0] === 'time' && columns[0]!.name !== 'timestamp';
}
