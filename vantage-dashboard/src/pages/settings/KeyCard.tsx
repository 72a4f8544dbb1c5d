import { useState, type SubmitEvent } from 'react';
import { useStore } from 'zustand';
import { apiKey, forgetKey, giveKey } from '../../api/apiKey';
import { Button } from '../../ui/Button';
import { TextField } from '../../ui/Field';
import { Card } from '../../ui/Page';
import { StatusMark } from '../../ui/StatusMark';

/** The key that this tab calls with. It is never shown, not even in part. */
export function KeyCard() {
  const { key } = useStore(apiKey);
  const [typed, setTyped] = useState('');
  const give = (e: SubmitEvent) => {
    e.preventDefault();
    if (typed.trim() === '') return;
    giveKey(typed.trim());
    setTyped('');
  };
  return (
    <Card title="API key">
      <p role="status" data-testid="key-state">
        {key === null ? <StatusMark glyph="○" tone="unknown">No key is given</StatusMark> : <StatusMark glyph="●" tone="healthy">A key is present</StatusMark>}
      </p>
      <form className="settings-key" onSubmit={give}>
        <TextField label={key === null ? 'API key' : 'Another API key'} quiet={false} type="password" autoComplete="off" value={typed} onChange={setTyped} />
        <Button type="submit" className="primary" disabled={typed.trim() === ''}>{key === null ? 'Use it' : 'Replace'}</Button>
        {key !== null && <Button className="danger" onClick={forgetKey}>Forget it</Button>}
      </form>
      <p className="soft">It stays in this tab until it is closed. What it may do depends on its role: a viewer looks, an editor changes rules, silences, channels and dashboards, an admin also sees who did what.</p>
    </Card>
  );
}
