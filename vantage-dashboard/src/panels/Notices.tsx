import type { LinkState } from '../stream/socket';
import { Button } from '../ui/Button';
import './notices.css';

export interface NoticesProps {
  link: LinkState;
  incompatible: string | null;
  greeted: boolean;
  serviceCount: number;
  /** The past is shown: an empty city is no news. */
  isPast: boolean;
  onRetry: () => void;
}

/** What stands in the way of a living city, said once and plainly. */
export function Notices({ link, incompatible, greeted, serviceCount, isPast, onRetry }: NoticesProps) {
  if (incompatible !== null) {
    return (
      <div className="notice panel" role="alert" data-testid="incompatible">
        <h2>Versions do not match</h2>
        <p>{incompatible}</p>
        <Button onClick={() => window.location.reload()}>Reload</Button>
      </div>
    );
  }
  if (link === 'offline') {
    return (
      <div className="notice notice-slim panel" data-covers role="alert" data-testid="offline">
        <p>
          <strong>The Vantage API does not answer.</strong> {greeted ? 'You see the last state received.' : 'Nothing has been received yet.'} It reconnects by itself.
        </p>
        <Button onClick={onRetry}>Try now</Button>
      </div>
    );
  }
  return greeted && serviceCount === 0 && !isPast ? <EmptyLot /> : null;
}

const SNIPPET = `from vantage_agent import init_agent
init_agent(service_name="my-api", collector_url="http://localhost:8000")`;

const CURL = `curl -X POST http://localhost:8000/v1/metrics -H 'Content-Type: application/json' -d '{
  "service_name": "my-api", "environment": "dev", "agent_version": "0.1.0",
  "metrics": [{"timestamp": '$(date +%s000)', "service_name": "my-api",
    "metric_name": "http.request.duration", "metric_type": "histogram",
    "value": 42, "duration_ms": 42, "endpoint": "/", "method": "GET", "status_code": 200}]}'`;

function EmptyLot() {
  return (
    <section className="notice notice-empty panel" data-testid="empty-state">
      <h2>The lots are empty</h2>
      <p className="soft">Your first service builds its house here within seconds of its first request.</p>
      <h3>From a Python service</h3>
      <pre className="mono">{SNIPPET}</pre>
      <h3>Or by hand</h3>
      <pre className="mono">{CURL}</pre>
    </section>
  );
}
