import { duration, percent, rate } from '../ui/format';
import type { ServiceRow } from '../world/model';
import { statusLook } from '../world/status';
import './hover.css';

/** What a building says when it is pointed at. Follows the pointer; the panel says more. */
export function HoverCard({ row, x, y }: { row: ServiceRow; x: number; y: number }) {
  const { glyph, tone, word } = statusLook(row.status);
  return (
    <div className="hover-card panel" style={{ transform: `translate(${x + 18}px, ${y + 14}px)` }} aria-hidden="true">
      <strong>{row.name}</strong>
      <span className={`tone-${tone}`}>{glyph} {word}{row.health !== null && ` · ${row.health}`}</span>
      <span className="num soft">
        {rate(row.rps)}/s · {percent(row.errorRatio)} errors · p95 {duration(row.p95Ms)} · {row.pods} {row.pods === 1 ? 'pod' : 'pods'}
      </span>
    </div>
  );
}
