import { Link, useLocation } from 'react-router';
import { useLinkTo } from '../../app/address';
import { inertText } from '../../stream/logs';
import { duration } from '../../ui/format';
import type { Found } from './scatter';
import { whenText } from './when';

/** Found traces, each a link to it; the bars are as long as the traces took. */
export function TraceList({ traces }: { traces: readonly Found[] }) {
  const longest = traces.reduce((most, trace) => Math.max(most, trace.duration), 0);
  return (
    <ol className="trace-list">
      {traces.map((trace) => <TraceRow key={trace.trace_id} trace={trace} share={longest > 0 ? trace.duration / longest : 0} />)}
    </ol>
  );
}

function TraceRow({ trace, share }: { trace: Found; share: number }) {
  const linkTo = useLinkTo();
  const { search } = useLocation();
  const failed = trace.error_count > 0;
  return (
    <li>
      <Link className="trace-row" to={linkTo(`/traces/${encodeURIComponent(trace.trace_id)}`)} state={{ search }} data-testid="trace-row">
        <span className={`trace-row-mark ${failed ? 'tone-unhealthy' : 'tone-healthy'}`}>
          <span aria-hidden="true">{failed ? '◆' : '●'}</span>
          <span className="visually-hidden">{failed ? 'With errors' : 'Without errors'}</span>
        </span>
        <span className="trace-row-name"><b>{inertText(trace.service)}</b> {inertText(trace.name)}</span>
        <span className="trace-row-bar" aria-hidden="true"><span className={failed ? 'failed' : undefined} style={{ width: `${Math.max(share * 100, 0.5)}%` }} /></span>
        <span className="trace-row-duration num">{duration(trace.duration)}</span>
        <span className="trace-row-spans soft num">{trace.span_count} {trace.span_count === 1 ? 'span' : 'spans'}{failed && <span className="tone-unhealthy"> · {trace.error_count} failed</span>}</span>
        <span className="trace-row-services soft" title={trace.services.map(inertText).join(', ')}>{trace.services.length === 1 ? '1 service' : `${trace.services.length} services`}</span>
        <span className="trace-row-when soft num">{whenText(trace.start)}</span>
      </Link>
    </li>
  );
}
