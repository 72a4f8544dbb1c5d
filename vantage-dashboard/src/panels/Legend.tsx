import { StatusMark } from '../ui/StatusMark';
import { Status } from '../world/model';
import { statusLook } from '../world/status';
import './legend.css';

const STATUSES = [
  [Status.HEALTHY, 'healthy'],
  [Status.DEGRADED, 'degraded, banded'],
  [Status.UNHEALTHY, 'unhealthy, striped'],
  [Status.UNKNOWN, 'unknown, dark'],
] as const;

/** `synthesized`: of the past only rates are stored; its particles are made up from them. */
export function Legend({ sample, synthesized = false }: { sample: number; synthesized?: boolean }) {
  return (
    <ul className="legend" data-covers data-testid="legend" aria-label="Legend">
      <li><b aria-hidden="true">▮</b> height: pods</li>
      <li><b aria-hidden="true">◠</b> ring: load, a segment per decade</li>
      <li><b aria-hidden="true">╱</b> streak: {sample > 1 ? <strong className="num" data-testid="sample">1 particle = {sample} requests</strong> : 'one request'}, <span className="tone-unhealthy">◆ failed</span>{synthesized && <strong data-testid="synthesized"> · drawn from stored rates, not single requests</strong>}</li>
      {STATUSES.map(([status, text]) => {
        const { glyph, tone } = statusLook(status);
        return <li key={status}><StatusMark glyph={glyph} tone={tone} /> {text}</li>;
      })}
    </ul>
  );
}
