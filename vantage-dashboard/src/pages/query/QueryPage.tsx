import { History, Link2, ListTree, Play, Square } from 'lucide-react';
import { lazy, Suspense, useEffect, useMemo, useState } from 'react';
import { useSearchParams } from 'react-router';
import { ApiError } from '../../api/client';
import { Button } from '../../ui/Button';
import { Dialog } from '../../ui/Dialog';
import { duration } from '../../ui/format';
import { Card, Page } from '../../ui/Page';
import { Loading } from '../../ui/states';
import { EXAMPLES } from './examples';
import { HistoryDialog } from './history/HistoryDialog';
import { Results } from './Results';
import { useNames } from './useNames';
import { useRun } from './useRun';
import { lineAndColumn } from './vql/tokens';
import type { VqlProblem } from './VqlEditor';
import './query.css';

const VqlEditor = lazy(() => import('./VqlEditor'));

export default function QueryPage() {
  const [parameters, setParameters] = useSearchParams();
  const query = parameters.get('q') ?? '';
  const [text, setText] = useEditorText(query);
  const { asked, run, anew, cancel } = useRun(query);
  const names = useNames();
  const [open, setOpen] = useState<'history' | 'examples' | null>(null);
  const problem = useMemo(() => problemOf(asked.error, query), [asked.error, query]);
  const runText = (wanted: string) => {
    if (wanted.trim() === '') return;
    setText(wanted);
    if (wanted === query) run();
    else setParameters((before) => withQuery(before, wanted));
  };
  const choose = (wanted: string) => {
    setOpen(null);
    runText(wanted);
  };
  return (
    <Page title="Query" tools={<><Button onClick={() => setOpen('examples')}><ListTree aria-hidden="true" size={15} />Examples</Button><Button onClick={() => setOpen('history')}><History aria-hidden="true" size={15} />History</Button></>}>
      <Card className="query-card">
        <Suspense fallback={<Loading lines={4} />}>
          <VqlEditor label="VQL query" value={text} onChange={setText} onRun={() => runText(text)} names={names} problem={problem} placeholder="SELECT … FROM metrics" />
        </Suspense>
        {problem && <Problem problem={problem} text={text} />}
        <div className="query-actions">
          {asked.isFetching
            ? <Button className="primary" onClick={cancel}><Square aria-hidden="true" size={13} />Cancel</Button>
            : <Button className="primary" onClick={() => runText(text)}><Play aria-hidden="true" size={14} />Run</Button>}
          <CopyLink query={text} />
          {asked.isFetching && <Elapsed key={`${query} ${asked.dataUpdatedAt}`} />}
        </div>
      </Card>
      {query === ''
        ? <Beginning onChoose={choose} />
        : problem === null && <Results query={query} asked={asked} onRun={run} onAnew={anew} isEdited={text !== query} />}
      {open === 'history' && <HistoryDialog onChoose={choose} onClose={() => setOpen(null)} />}
      {open === 'examples' && <Dialog title="Examples" onClose={() => setOpen(null)}><Examples onChoose={choose} /></Dialog>}
    </Page>
  );
}

/** What stands in the editor; another query in the address (a link, the way back) takes its place. */
function useEditorText(query: string): [string, (text: string) => void] {
  const [text, setText] = useState(query);
  const [seen, setSeen] = useState(query);
  if (query !== seen) {
    setSeen(query);
    setText(query);
  }
  return [text, setText];
}

/** A new query is a place of its own, without what was chosen for the answer before. */
function withQuery(before: URLSearchParams, query: string): URLSearchParams {
  const next = new URLSearchParams(before);
  for (const name of ['view', 'chart', 'roles', 'sort']) next.delete(name);
  next.set('q', query);
  return next;
}

/** A mistake in the query; anything else that goes wrong is not about its text. */
function problemOf(error: Error | null, query: string): VqlProblem | null {
  if (!(error instanceof ApiError) || error.status >= 500 || error.status === 401 || error.status === 403) return null;
  return { message: error.message, hint: error.hint, position: error.position, of: query };
}

function Problem({ problem: { message, hint, position, of }, text }: { problem: VqlProblem; text: string }) {
  const place = position === null ? null : lineAndColumn(of, position);
  return (
    <p className="query-problem" role="alert" data-of-before={text !== of || undefined}>
      <span className="tone-unhealthy" aria-hidden="true">◆ </span>
      <strong>{message}</strong>
      {place && <span className="soft"> (line {place.line}, column {place.column})</span>}
      {hint !== null && <span className="query-hint">{hint}</span>}
    </p>
  );
}

/** The address of a query, whether it ran or not. */
function CopyLink({ query }: { query: string }) {
  const [said, setSaid] = useState('');
  const copy = () => {
    const link = new URL(window.location.href);
    link.searchParams.set('q', query);
    navigator.clipboard.writeText(link.href).then(() => setSaid('Copied'), () => setSaid('The browser does not let it be copied'));
  };
  useEffect(() => {
    if (said === '') return;
    const timer = window.setTimeout(() => setSaid(''), 2500);
    return () => window.clearTimeout(timer);
  }, [said]);
  return <><Button onClick={copy} disabled={query === ''}><Link2 aria-hidden="true" size={15} />Copy link</Button><span role="status" className="soft">{said}</span></>;
}

function Elapsed() {
  const [ms, setMs] = useState(0);
  useEffect(() => {
    const begun = performance.now();
    const timer = window.setInterval(() => setMs(performance.now() - begun), 100);
    return () => window.clearInterval(timer);
  }, []);
  return <span className="soft num">{ms < 400 ? 'Running…' : `Running for ${duration(ms)}…`}</span>;
}

function Beginning({ onChoose }: { onChoose: (query: string) => void }) {
  return (
    <>
      <h2 className="query-begin">Write a query, or begin with one of these</h2>
      <Examples onChoose={onChoose} />
    </>
  );
}

function Examples({ onChoose }: { onChoose: (query: string) => void }) {
  return (
    <ul className="query-list query-examples">
      {EXAMPLES.map(({ title, query }) => (
        <li key={title}>
          <button type="button" className="query-choice" onClick={() => onChoose(query)}>
            <strong>{title}</strong>
            <code>{query}</code>
          </button>
        </li>
      ))}
    </ul>
  );
}
