import { History } from 'lucide-react';
import { Button } from '../ui/Button';
import type { PastState } from '../stream/timeTravel';
import './pastBanner.css';

const FORMAT = new Intl.DateTimeFormat(undefined, { weekday: 'short', year: 'numeric', month: 'short', day: 'numeric', hour: '2-digit', minute: '2-digit', second: '2-digit', hour12: false });

/** Says that this is not now, and when it was. */
export function PastBanner({ past, now, onLive }: { past: PastState; now: number; onLive: () => void }) {
  const { at, stepMs, playing, speed, loading, error } = past;
  return (
    <div className="past-banner panel" data-covers data-testid="past-banner" role="region" aria-label="The past">
      <History aria-hidden="true" size={18} />
      <p>
        <strong>You are looking at the past: <time dateTime={new Date(at).toISOString()} className="num">{FORMAT.format(at)}</time></strong>
        <span className="soft">
          {' '}{agoWords(now - at)}{playing ? ` · playing at ${speed}×` : ' · paused'}<span className="past-how"> · numbers of the {stepMs / 1000} s before</span>
        </span>
        {loading && <span className="soft" role="status"> · reading what is stored…</span>}
        {error !== null && <span className="tone-unhealthy" role="alert"> ◆ {error}</span>}
      </p>
      <Button data-testid="back-to-now" onClick={onLive}>Back to now</Button>
    </div>
  );
}

const UNITS = [[86_400_000, 'day'], [3_600_000, 'hour'], [60_000, 'minute'], [1000, 'second']] as const;

/** "3 minutes ago" */
function agoWords(ms: number): string {
  const [length, unit] = UNITS.find(([each]) => ms >= each) ?? UNITS[3];
  const count = Math.max(0, Math.floor(ms / length));
  return `${count} ${unit}${count === 1 ? '' : 's'} ago`;
}
