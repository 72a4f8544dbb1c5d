import { useCallback, useMemo, useRef, useState } from 'react';
import { useParameters, useRange } from '../../app/address';
import { PageTools } from '../../app/PageTools';
import { useServices } from '../../app/services';
import { Button } from '../../ui/Button';
import { SettledField } from '../../ui/Field';
import { Page } from '../../ui/Page';
import { Answer, EmptyState } from '../../ui/states';
import { SuggestField } from '../../ui/SuggestField';
import { download, logsCsv, MOST_CSV_LINES } from './csv';
import { merged, queryOf, SEVERITIES, toggled, wantedOf, type Wanted } from './filter';
import { totalsOf } from './histogram';
import { LogHistogram } from './LogHistogram';
import { LogList } from './LogList';
import './logs.css';
import { severityLook } from './severity';
import { useCounts } from './useCounts';
import { useStored, useTail, type LiveTail } from './useLines';

export default function LogsPage() {
  const [parameters, change] = useParameters();
  const wanted = useMemo(() => wantedOf(parameters), [parameters]);
  const isLive = parameters.get('live') === '1';
  const open = parameters.get('line') ?? '';
  const [isPaused, setIsPaused] = useState(false);
  const [isAtTop, setIsAtTop] = useState(true);
  const isHeld = isPaused || !isAtTop || open !== '';
  const tail = useTail(wanted, isLive, isHeld);
  const stored = useStored(wanted, tail.epoch, isHeld);
  const rows = useMemo(() => merged(tail.lines, (stored.data?.pages ?? []).flatMap((page) => page.logs)), [tail.lines, stored.data]);
  const { fetchNextPage, isFetchingNextPage, hasNextPage, isFetchNextPageError, isPlaceholderData } = stored;
  const more = useCallback(() => void fetchNextPage(), [fetchNextPage]);
  const openLine = useCallback((name: string) => change({ line: name === '' ? null : name }), [change]);
  const showNew = () => {
    setIsPaused(false);
    setIsAtTop(true);
    openLine('');
  };
  return (
    <Page
      title="Logs"
      tools={
        <>
          <Button pressed={isLive} onClick={() => change({ live: isLive ? null : '1', line: null })}><span className={isLive ? 'live-dot on' : 'live-dot'} aria-hidden="true" /> Live</Button>
          <PageTools />
          <CsvButton wanted={wanted} />
        </>
      }
    >
      <div className="logs">
        <Filters wanted={wanted} />
        <Counts wanted={wanted} />
        {isLive && <LiveBar tail={tail} isPaused={isPaused} onPause={setIsPaused} onShow={showNew} />}
        <Answer of={stored} empty={() => (rows.length === 0 && !hasNextPage ? <NoLines isLive={isLive} /> : null)}>
          {() => (
            <LogList
              rows={rows}
              open={open}
              onOpen={openLine}
              hasMore={hasNextPage && !isFetchingNextPage && !isFetchNextPageError && !isPlaceholderData}
              onMore={more}
              end={isFetchNextPageError ? 'The next lines could not be asked for.' : hasNextPage ? 'Loading more…' : `That is all of the range: ${rows.length.toLocaleString('en-US')} lines.`}
              isAtTop={isAtTop}
              onAtTop={setIsAtTop}
            />
          )}
        </Answer>
      </div>
    </Page>
  );
}

function NoLines({ isLive }: { isLive: boolean }) {
  return <EmptyState title="No lines found">{isLive ? 'New lines that fit appear here as they are written.' : 'Nothing fits in this range. A wider one, or fewer conditions, may find more.'}</EmptyState>;
}

function Filters({ wanted }: { wanted: Wanted }) {
  const [, change] = useParameters();
  const services = useServices();
  const names = [...new Set((services.data?.services ?? []).map((service) => service.service_name))];
  const set = (name: string) => (value: string) => change({ [name]: value === '' ? null : value, line: null });
  const isNarrowed = wanted.service !== '' || wanted.text !== '' || wanted.traceId !== '' || wanted.severities.length > 0;
  return (
    <div className="log-filters" role="search" aria-label="Log lines">
      <SuggestField label="Service" quiet placeholder="Any service" free value={wanted.service} suggestions={names.map((value) => ({ value }))} onChoose={set('service')} />
      <SettledField label="Text" placeholder="Text in the line" className="control log-text" type="search" value={wanted.text} onChange={set('text')} />
      <SettledField label="Trace id" placeholder="Trace id" className="control mono log-trace" value={wanted.traceId} onChange={set('trace')} />
      {isNarrowed && <Button className="ghost" onClick={() => change({ service: null, text: null, trace: null, severity: null, line: null })}>Clear</Button>}
    </div>
  );
}

/** How many lines of each severity there are, when; choosing some narrows the list. */
function Counts({ wanted }: { wanted: Wanted }) {
  const [, change] = useParameters();
  const range = useRange();
  const counts = useCounts(wanted);
  const totals = counts.data && totalsOf(counts.data.rows);
  return (
    <section className="log-counts" aria-label="Lines by severity">
      {counts.data
        ? <LogHistogram {...counts.data} severities={wanted.severities} onZoom={(start, end) => range.set({ start, end })} />
        : <p className="log-histogram soft" role="status">{counts.error ? 'The counts could not be asked for.' : 'Counting…'}</p>}
      <div className="log-severities" role="group" aria-label="Severities">
        {SEVERITIES.map((severity) => {
          const { glyph, tone } = severityLook(severity);
          return (
            <Button key={severity} pressed={wanted.severities.includes(severity)} onClick={() => change({ severity: toggled(wanted.severities, severity) || null, line: null })}>
              <span className={`tone-${tone}`} aria-hidden="true">{glyph}</span> {severity} {totals && <span className="num">{totals[severity].toLocaleString('en-US')}</span>}
            </Button>
          );
        })}
        {counts.data && counts.error && <span className="soft">counts of before</span>}
      </div>
    </section>
  );
}

function LiveBar({ tail, isPaused, onPause, onShow }: { tail: LiveTail; isPaused: boolean; onPause: (isPaused: boolean) => void; onShow: () => void }) {
  const { link, waiting, dropped } = tail;
  return (
    <p className="live-bar" data-testid="live-bar">
      <Button pressed={isPaused} onClick={() => onPause(!isPaused)}>{isPaused ? 'Paused' : 'Pause'}</Button>
      <span className="soft" role="status">
        {link === 'live' ? (isPaused ? 'New lines wait.' : 'New lines appear as they are written.') : link === 'connecting' ? 'Connecting…' : <><span className="tone-degraded" aria-hidden="true">▲ </span>The live stream is away. It comes back by itself, with what was missed.</>}
        {dropped > 0 && ` ${dropped.toLocaleString('en-US')} came too fast and were left out.`}
      </span>
      {waiting > 0 && <Button className="live-waiting" onClick={onShow}>↑ {waiting.toLocaleString('en-US')} new</Button>}
    </p>
  );
}

function CsvButton({ wanted }: { wanted: Wanted }) {
  const range = useRange();
  const running = useRef<AbortController | null>(null);
  const [said, setSaid] = useState('');
  const [isRunning, setIsRunning] = useState(false);
  const start = async () => {
    const abort = new AbortController();
    running.current = abort;
    setIsRunning(true);
    setSaid('');
    try {
      const { text, isCut } = await logsCsv({ ...queryOf(wanted), ...range.query() }, abort.signal);
      download('logs.csv', text);
      setSaid(isCut ? `The newest ${MOST_CSV_LINES.toLocaleString('en-US')} lines` : '');
    } catch (error) {
      if (!abort.signal.aborted) setSaid(error instanceof TypeError ? 'The Vantage API does not answer' : (error as Error).message);
    } finally {
      setIsRunning(false);
    }
  };
  return (
    <>
      {isRunning ? <Button onClick={() => running.current?.abort()}>Stop the download</Button> : <Button onClick={() => void start()}>Download CSV</Button>}
      <span role="status" className="soft">{said}</span>
    </>
  );
}
