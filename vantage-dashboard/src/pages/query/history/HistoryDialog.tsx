import { useState } from 'react';
import { useStore } from 'zustand';
import { Button } from '../../../ui/Button';
import { Dialog } from '../../../ui/Dialog';
import { TextField } from '../../../ui/Field';
import { duration } from '../../../ui/format';
import { numberText, timeText } from '../results/cells';
import { matching } from './history';
import { forget, forgetAll, past } from './kept';

/** The queries that ran in this browser. One that is chosen goes into the editor. */
export function HistoryDialog({ onChoose, onClose }: { onChoose: (query: string) => void; onClose: () => void }) {
  const { queries } = useStore(past);
  const [search, setSearch] = useState('');
  const shown = matching(queries, search);
  return (
    <Dialog title="History" onClose={onClose} actions={queries.length > 0 && <Button onClick={forgetAll}>Forget all</Button>}>
      <TextField label="Search the history" placeholder="Search" value={search} onChange={setSearch} />
      <p className="soft history-note" role="status">{queries.length === 0 ? 'Nothing has run in this browser yet.' : `${shown.length} of ${queries.length} queries, kept in this browser only.`}</p>
      <ul className="query-list">
        {shown.map(({ query, at, rows, elapsedMs }) => (
          <li key={query}>
            <button type="button" className="query-choice" onClick={() => onChoose(query)}>
              <code>{query.slice(0, 600)}</code>
              <span className="soft num">{timeText(at - (at % 1000))} · {numberText(rows)} {rows === 1 ? 'row' : 'rows'} · {duration(elapsedMs)}</span>
            </button>
            <Button className="ghost" aria-label={`Forget ${query.slice(0, 80)}`} onClick={() => forget(query)}>✕</Button>
          </li>
        ))}
      </ul>
    </Dialog>
  );
}
