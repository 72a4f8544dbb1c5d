import { useId, useState } from 'react';
import { answer, ApiError, http } from '../../api/client';
import type { Api } from '../../api/types';
import { Button } from '../../ui/Button';
import { Dialog } from '../../ui/Dialog';
import { SubmitButtons } from './AlertDialogs';
import { ADDRESSES, KIND_WORDS, type ChannelKind } from './channelExamples';
import { faultsOf, type Faults } from './faults';
import { FormField, Refusal } from './parts';
import { useChange } from './queries';
import { useFaultFocus } from './useFaultFocus';

type Secret = Api<'ChannelSecret'>;

interface ChannelDialogProps {
  /** Null for a new one. */
  channel: Api<'ChannelView'> | null;
  onClose: () => void;
  onMade: (made: Secret) => void;
}

export function ChannelDialog({ channel, onClose, onMade }: ChannelDialogProps) {
  const [name, setName] = useState(channel?.name ?? '');
  const [kind, setKind] = useState<ChannelKind>(channel?.kind ?? 'webhook');
  const [url, setUrl] = useState('');
  const [secret, setSecret] = useState('');
  const [version] = useState(channel?.version ?? 0);
  const save = useChange(async () => {
    const given = { name, ...(secret !== '' && { secret }) };
    if (channel === null) return answer(http.POST('/api/alerts/channels', { body: { ...given, kind, url, enabled: true } }));
    const changed = await answer(http.PATCH('/api/alerts/channels/{id}', { params: { path: { id: channel.id } }, body: { ...given, ...(url !== '' && { url }), version } }));
    return { ...changed, secret: null };
  }, onMade);
  const form = useId();
  const faults = channelFaults(save.error);
  const fields = useFaultFocus(save.error);
  return (
    <Dialog title={channel ? 'Channel' : 'New channel'} onClose={onClose} actions={<SubmitButtons form={form} text={channel ? 'Save' : 'Create'} isWaiting={save.isPending} onClose={onClose} />}>
      <form id={form} ref={fields} className="alerts-form" noValidate onSubmit={(e) => { e.preventDefault(); save.mutate(undefined); }}>
        <FormField label="Name" name="name" faults={faults}>
          {(control) => <input {...control} type="text" autoComplete="off" value={name} onChange={(e) => setName(e.target.value)} />}
        </FormField>
        <FormField label="Kind" name="kind" faults={faults}>
          {(control) => (
            <select {...control} value={kind} disabled={channel !== null} onChange={(e) => setKind(e.target.value as ChannelKind)}>
              {Object.entries(KIND_WORDS).map(([value, text]) => <option key={value} value={value}>{text}</option>)}
            </select>
          )}
        </FormField>
        <FormField label={channel ? 'New address' : 'Address'} name="url" faults={faults} hint={channel ? 'Left empty, it stays as it is.' : <Examples kind={kind} onChoose={setUrl} />} wide>
          {(control) => <input {...control} type="text" autoComplete="off" spellCheck={false} value={url} onChange={(e) => setUrl(e.target.value)} />}
        </FormField>
        {kind === 'webhook' && (
          <FormField label={channel ? 'Replace the secret at once' : 'Secret of your own'} name="secret" faults={faults} hint={channel ? 'Left empty, it stays. The old one signs nothing any more then.' : 'Left empty, one is made and shown once.'} wide>
            {(control) => <input {...control} type="password" autoComplete="new-password" spellCheck={false} placeholder="whsec_…" value={secret} onChange={(e) => setSecret(e.target.value)} />}
          </FormField>
        )}
      </form>
      <Refusal error={save.error} />
    </Dialog>
  );
}

/** What is wrong with an address is said of the whole channel; here it belongs to its field. */
function channelFaults(error: Error | null): Faults {
  return error instanceof ApiError && error.code === 'bad_channel' ? { url: error.message } : faultsOf(error);
}

function Examples({ kind, onChoose }: { kind: ChannelKind; onChoose: (url: string) => void }) {
  return (
    <span className="alerts-examples">
      {ADDRESSES[kind].map(([service, address]) => (
        <button key={service} type="button" onClick={() => onChoose(address)}>
          {service} <code>{address}</code>
        </button>
      ))}
      {kind === 'apprise' && <a href="https://appriseit.com/services/" rel="noreferrer noopener" target="_blank">All services of Apprise</a>}
    </span>
  );
}

/** The one time that a secret is shown. */
export function SecretDialog({ channel, onClose }: { channel: Secret; onClose: () => void }) {
  const [said, setSaid] = useState('');
  const copy = async () => {
    try {
      await navigator.clipboard.writeText(channel.secret ?? '');
      setSaid('Copied.');
    } catch {
      setSaid('This browser does not let us copy: select it.');
    }
  };
  return (
    <Dialog title="The secret, this once" onClose={onClose} actions={<Button className="primary" onClick={onClose}>I have it</Button>}>
      <p>Messages to “{channel.name}” are signed with it. Vantage does not show it again.</p>
      <p className="alerts-secret">
        <code className="mono" data-testid="channel-secret">{channel.secret}</code>
        <Button onClick={() => void copy()}>Copy</Button>
      </p>
      <p className="soft" role="status">{said}</p>
      {channel.rotating_until !== null && <p className="soft">The old one signs, too, for 24 hours.</p>}
    </Dialog>
  );
}
