import { useState } from 'react';
import { answer, http } from '../../api/client';
import type { Api } from '../../api/types';
import { useParameters } from '../../app/address';
import { inertText } from '../../stream/logs';
import { Button } from '../../ui/Button';
import { duration } from '../../ui/format';
import { Card } from '../../ui/Page';
import { Answer, EmptyState } from '../../ui/states';
import { ChannelDialog, SecretDialog } from './ChannelDialogs';
import { KIND_WORDS } from './channelExamples';
import type { Look } from './looks';
import { Confirm, Mark, Moment, Refusal, Switch, Wording } from './parts';
import { useChange, useChannels, useRules } from './queries';

export type Channel = Api<'ChannelView'>;
const NEW = 'new';

/** Where alerts are told. */
export function ChannelsTab() {
  const [parameters, change] = useParameters();
  const channels = useChannels();
  const [secretOf, setSecretOf] = useState<Api<'ChannelSecret'> | null>(null);
  const open = parameters.get('channel');
  const close = () => change({ channel: null });
  const made = (channel: Api<'ChannelSecret'>) => {
    close();
    if (channel.secret !== null) setSecretOf(channel);
  };
  return (
    <>
      <div className="alerts-filters">
        <span className="soft alerts-grow">A rule tells the channels that it names. Addresses and secrets go in and do not come out again.</span>
        <Button className="primary" onClick={() => change({ channel: NEW })}>New channel</Button>
      </div>
      <Answer of={channels} empty={({ total }) => (total === 0 ? <EmptyState title="Nobody is told">There is no channel yet. Alerts show here and in the city all the same.</EmptyState> : null)}>
        {({ channels: listed }) => (
          <>
            <div className="cards">{listed.map((channel) => <ChannelCard key={channel.id} channel={channel} onEdit={() => change({ channel: channel.id })} onSecret={setSecretOf} />)}</div>
            {open !== null && open !== NEW && <OpenChannel channel={listed.find(({ id }) => id === open) ?? null} onClose={close} onMade={made} />}
          </>
        )}
      </Answer>
      {open === NEW && <ChannelDialog channel={null} onClose={close} onMade={made} />}
      {secretOf && <SecretDialog channel={secretOf} onClose={() => setSecretOf(null)} />}
    </>
  );
}

function OpenChannel({ channel, onClose, onMade }: { channel: Channel | null; onClose: () => void; onMade: (made: Api<'ChannelSecret'>) => void }) {
  return channel ? <ChannelDialog key={channel.id} channel={channel} onClose={onClose} onMade={onMade} /> : <p role="alert">This channel is gone.</p>;
}

interface CardProps {
  channel: Channel;
  onEdit: () => void;
  onSecret: (channel: Api<'ChannelSecret'>) => void;
}

function ChannelCard({ channel, onEdit, onSecret }: CardProps) {
  const [asks, setAsks] = useState<'rotate' | 'delete' | null>(null);
  const path = { id: channel.id };
  const users = (useRules().data?.rules ?? []).filter(({ rule }) => rule?.channels.includes(channel.id)).length;
  const toggle = useChange((enabled: boolean) => answer(http.PATCH('/api/alerts/channels/{id}', { params: { path }, body: { enabled, version: channel.version } })));
  const test = useChange(() => answer(http.POST('/api/alerts/channels/{id}/test', { params: { path } })));
  const rotate = useChange(() => answer(http.POST('/api/alerts/channels/{id}/rotate', { params: { path } })), (made) => {
    setAsks(null);
    onSecret(made);
  });
  const drop = useChange(() => answer(http.DELETE('/api/alerts/channels/{id}', { params: { path } })), () => setAsks(null));
  const name = inertText(channel.name);
  return (
    <Card className="alerts-channel" title={<Wording>{channel.name}</Wording>} tools={<Switch label={`${name} is on`} on={channel.enabled} disabled={toggle.isPending} onChange={(enabled) => toggle.mutate(enabled)} />}>
      <dl className="alerts-facts">
        <div><dt>{KIND_WORDS[channel.kind]}</dt><dd><Wording>{channel.service}</Wording></dd></div>
        <div><dt>Address</dt><dd className="mono"><Wording>{channel.target}</Wording></dd></div>
        <div><dt>Named by</dt><dd className="num">{users} {users === 1 ? 'rule' : 'rules'}</dd></div>
        <div><dt>Changed</dt><dd><Moment at={channel.changed_at} /></dd></div>
      </dl>
      {channel.rotating_until !== null && <p className="soft">Two secrets sign until <Moment at={channel.rotating_until} />.</p>}
      <div className="alerts-actions">
        <Button aria-label={`Test ${name}`} disabled={test.isPending} onClick={() => test.mutate(undefined)}>{test.isPending ? 'Sending…' : 'Send a test'}</Button>
        <Button aria-label={`Edit ${name}`} onClick={onEdit}>Edit</Button>
        {channel.kind === 'webhook' && <Button aria-label={`New secret for ${name}`} onClick={() => setAsks('rotate')}>New secret…</Button>}
        <Button className="ghost danger" aria-label={`Delete ${name}`} onClick={() => setAsks('delete')}>Delete</Button>
      </div>
      {test.data && <TestResult result={test.data} />}
      <Refusal error={test.error ?? toggle.error} />
      {asks === 'rotate' && (
        <Confirm title="A new secret" confirm="Make it" isWaiting={rotate.isPending} error={rotate.error} onConfirm={() => rotate.mutate(undefined)} onClose={() => setAsks(null)}>
          <p>It is shown once. For 24 hours the old one signs, too: time to give the new one to the receiver. A secret that has leaked is replaced at once under “Edit”.</p>
        </Confirm>
      )}
      {asks === 'delete' && (
        <Confirm title="Delete this channel" confirm="Delete" isWaiting={drop.isPending} error={drop.error} onConfirm={() => drop.mutate(undefined)} onClose={() => setAsks(null)}>
          <p>{users === 0 ? 'No rule names it.' : `${users} ${users === 1 ? 'rule names it and tells' : 'rules name it and tell'} it nothing from then on.`}</p>
        </Confirm>
      )}
    </Card>
  );
}

const OUTCOMES: Record<Api<'TestResult'>['outcome'], Look> = {
  delivered: { glyph: '✓', tone: 'healthy', word: 'Delivered' },
  failed: { glyph: '◆', tone: 'unhealthy', word: 'The target did not take it' },
  refused: { glyph: '◆', tone: 'unhealthy', word: 'Vantage does not send there' },
  timeout: { glyph: '▲', tone: 'degraded', word: 'No answer in time' },
};

function TestResult({ result: { outcome, reason, took_ms } }: { result: Api<'TestResult'> }) {
  return (
    <p role="status" data-testid="test-result" className="alerts-test">
      <Mark look={OUTCOMES[outcome]} /> <span className="soft num">after {duration(took_ms)}</span>
      {reason !== null && <span className="alerts-sub"><Wording>{reason}</Wording></span>}
    </p>
  );
}
