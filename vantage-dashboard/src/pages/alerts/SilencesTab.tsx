import { useState } from 'react';
import { answer, http } from '../../api/client';
import type { Api } from '../../api/types';
import { useParameters } from '../../app/address';
import { inertText } from '../../stream/logs';
import { Button } from '../../ui/Button';
import { DataTable } from '../../ui/DataTable';
import type { Column } from '../../ui/sortedRows';
import { Answer, EmptyState } from '../../ui/states';
import { useServerNow } from './live';
import type { Look } from './looks';
import { covers, matcherWords } from './matchers';
import { Confirm, Mark, Moment, Wording } from './parts';
import { useActive, useChange, useRules, useSilences } from './queries';
import { SilenceDialog } from './SilenceDialog';
import { silenceState, type SilenceState } from './silenceDraft';
import { ageWords } from './spans';

export type Silence = Api<'SilenceView'>;
const NEW = 'new';
const LOOKS: Record<SilenceState, Look> = {
  active: { glyph: '⊘', tone: 'degraded', word: 'Active' },
  upcoming: { glyph: '○', tone: 'unknown', word: 'To come' },
  over: { glyph: '✓', tone: 'unknown', word: 'Over' },
};
const ORDER: readonly SilenceState[] = ['active', 'upcoming', 'over'];

export function SilencesTab() {
  const [parameters, change] = useParameters();
  const silences = useSilences();
  const now = useServerNow();
  const open = parameters.get('silence');
  const add = <Button className="primary" onClick={() => change({ silence: NEW })}>New silence</Button>;
  const close = () => change({ silence: null });
  return (
    <>
      <div className="alerts-filters"><span className="soft alerts-grow">While a silence lasts, nobody is told of the alerts that fit it. They live on.</span>{add}</div>
      <Answer of={silences} empty={({ total }) => (total === 0 ? <EmptyState title="Nothing is silenced">An alert can be silenced where it is shown; several at once here, by what they have in common.</EmptyState> : null)}>
        {(data) => <SilenceTable silences={[...data.silences].sort((a, b) => ORDER.indexOf(silenceState(a, now)) - ORDER.indexOf(silenceState(b, now)) || b.end - a.end)} now={now} />}
      </Answer>
      {open === NEW && <SilenceDialog silence={null} onClose={close} />}
      {open !== null && open !== NEW && silences.data && <OpenSilence silence={silences.data.silences.find(({ id }) => id === open) ?? null} onClose={close} />}
    </>
  );
}

function OpenSilence({ silence, onClose }: { silence: Silence | null; onClose: () => void }) {
  return silence ? <SilenceDialog key={silence.id} silence={silence} onClose={onClose} /> : <p role="alert">This silence is gone.</p>;
}

function SilenceTable({ silences, now }: { silences: readonly Silence[]; now: number }) {
  const [, change] = useParameters();
  const [ended, setEnded] = useState<Silence | null>(null);
  const alerts = useActive().data?.alerts ?? [];
  const ruleNames = new Map(useRules().data?.rules.map(({ id, rule }) => [id, rule?.name ?? id]));
  const columns: Column<Silence>[] = [
    {
      key: 'matchers',
      title: 'Silenced is what fits all of',
      cell: ({ matchers, comment }) => (
        <>
          <ul className="alerts-matchers">{matchers.map((matcher) => <li key={matcherWords(matcher)}><Wording>{matcher.field === 'rule' ? `rule = ${ruleNames.get(matcher.value) ?? matcher.value}` : matcherWords(matcher)}</Wording></li>)}</ul>
          {comment !== '' && <span className="soft alerts-sub"><Wording>{comment}</Wording></span>}
        </>
      ),
    },
    { key: 'state', title: 'State', cell: (silence) => <Mark look={LOOKS[silenceState(silence, now)]} /> },
    { key: 'alive', title: 'Alerts now', numeric: true, wide: true, cell: ({ matchers, active }) => (active ? alerts.filter((alert) => covers(matchers, alert)).length : '–') },
    { key: 'start', title: 'From', wide: true, cell: ({ start }) => <Moment at={start} /> },
    { key: 'end', title: 'Until', cell: ({ end, active }) => <><Moment at={end} />{active && <span className="soft alerts-sub">{ageWords(end - now)} more</span>}</> },
    { key: 'by', title: 'By', wide: true, cell: ({ author }) => <Wording>{author}</Wording> },
    {
      key: 'actions',
      title: 'Change',
      cell: (silence) => {
        const state = silenceState(silence, now), about = inertText(silence.matchers.map(matcherWords).join(', ')).slice(0, 200);
        return (
          <span className="alerts-row-actions">
            {state !== 'over' && <Button className="ghost" aria-label={`Edit the silence of ${about}`} onClick={() => change({ silence: silence.id })}>Edit</Button>}
            <Button className="ghost danger" aria-label={`${state === 'active' ? 'End' : 'Delete'} the silence of ${about}`} onClick={() => setEnded(silence)}>{state === 'active' ? 'End' : 'Delete'}</Button>
          </span>
        );
      },
    },
  ];
  return (
    <>
      <DataTable caption="Silences" columns={columns} rows={silences} rowKey={({ id }) => id} />
      {ended && <EndSilence silence={ended} onClose={() => setEnded(null)} />}
    </>
  );
}

function EndSilence({ silence, onClose }: { silence: Silence; onClose: () => void }) {
  const end = useChange(() => answer(http.DELETE('/api/alerts/silences/{id}', { params: { path: { id: silence.id } } })), onClose);
  const title = silence.active ? 'End this silence' : 'Delete this silence';
  return (
    <Confirm title={title} confirm={silence.active ? 'End' : 'Delete'} isWaiting={end.isPending} error={end.error} onConfirm={() => end.mutate(undefined)} onClose={onClose}>
      <p>{silence.active ? 'What still fires is told within seconds.' : 'It leaves the list; the audit trail keeps it.'}</p>
    </Confirm>
  );
}
