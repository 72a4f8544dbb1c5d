import { useQuery } from '@tanstack/react-query';
import { useEffect, useRef } from 'react';
import { Link } from 'react-router';
import { answer, http } from '../api/client';
import { waterfall } from '../api/waterfall';
import { inertText } from '../stream/logs';
import { Button } from '../ui/Button';
import { duration } from '../ui/format';
import './trace.css';

const MAX_ROWS = 400;

/** One trace as a waterfall. */
export function TraceDrawer({ traceId, onClose }: { traceId: string; onClose: () => void }) {
  const dialog = useRef<HTMLElement>(null);
  const { data, error, isPending } = useQuery({ queryKey: ['trace', traceId], queryFn: ({ signal }) => answer(http.GET('/traces/', { params: { query: { trace_id: traceId } }, signal })) });
  const rows = waterfall(data ?? []);
  const failed = rows.filter((row) => row.span.status === 'error').length;

  useEffect(() => {
    const before = document.activeElement;
    dialog.current?.focus();
    return () => {
      if (before instanceof HTMLElement) before.focus();
    };
  }, []);

  return (
    <section ref={dialog} className="trace panel" role="dialog" aria-label="Trace" tabIndex={-1} data-own-keys data-testid="trace-drawer">
      <header>
        <div>
          <h2>{rows[0]?.span.name ?? 'Trace'}</h2>
          <p className="soft"><span className="mono">{traceId}</span>{rows.length > 0 && ` · ${rows.length} spans`}{failed > 0 && <span className="tone-unhealthy"> · ◆ {failed} failed</span>} · <Link to={`/traces/${encodeURIComponent(traceId)}`}>Open on its page</Link></p>
        </div>
        <Button className="ghost" onClick={onClose} aria-label="Close trace">✕</Button>
      </header>
      <div className="trace-rows">
        {isPending && <p className="soft">Loading…</p>}
        {error && <p className="soft">{error.message}</p>}
        {data?.length === 0 && <p className="soft">No spans are stored for this trace.</p>}
        <ol>
          {rows.slice(0, MAX_ROWS).map(({ span, depth, offset, width }) => (
            <li key={span.span_id} data-testid="trace-span">
              <span className="trace-name" style={{ paddingLeft: Math.min(depth, 12) * 12 }} title={inertText(span.name)}>
                {span.status === 'error' && <span className="tone-unhealthy">◆ </span>}
                {span.service} <span className="soft">{inertText(span.name)}</span>
              </span>
              <span className="trace-lane"><span className={`trace-bar ${span.status === 'error' ? 'failed' : ''}`} style={{ left: `${offset * 100}%`, width: `${Math.max(width * 100, 0.4)}%` }} /></span>
              <span className="num">{duration(span.duration)}</span>
            </li>
          ))}
        </ol>
      </div>
    </section>
  );
}
