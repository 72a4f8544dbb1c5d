import { percent } from '../ui/format';
import type { ServiceRow } from '../world/model';
import { statusLook } from '../world/status';
import './attention.css';

export interface AttentionListProps {
  rows: readonly ServiceRow[];
  selectedId: string | null;
  onPick: (id: string) => void;
}

const SHOWN = 10;

export function AttentionList({ rows, selectedId, onPick }: AttentionListProps) {
  return (
    <section className="attention panel" data-covers data-testid="attention" data-count={rows.length} aria-label="Services that need attention">
      <h2>
        Attention
        {rows.length > 0 && <span className="num attention-count">{rows.length}</span>}
      </h2>
      {rows.length === 0 ? (
        <p className="soft">Nothing needs you right now.</p>
      ) : (
        <ul data-own-keys>
          {rows.slice(0, SHOWN).map((row) => {
            const { glyph, tone, word } = statusLook(row.status);
            return (
              <li key={row.id}>
                <button type="button" aria-current={row.id === selectedId || undefined} onClick={() => onPick(row.id)} title={`${row.id}, ${word}`}>
                  <span className={`tone-${tone}`} aria-hidden="true">{glyph}</span>
                  <span className="attention-name">{row.name}</span>
                  <span className="visually-hidden">{word}</span>
                  <span className={`num ${row.errorRatio !== null && row.errorRatio > 0.01 ? `tone-${tone}` : 'soft'}`}>{percent(row.errorRatio)}</span>
                </button>
              </li>
            );
          })}
        </ul>
      )}
      {rows.length > SHOWN && <p className="soft">and {rows.length - SHOWN} more in the table</p>}
    </section>
  );
}
