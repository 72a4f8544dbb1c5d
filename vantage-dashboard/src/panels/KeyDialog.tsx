import { useEffect, useRef, useState, type SubmitEvent } from 'react';
import { Button } from '../ui/Button';
import './keyDialog.css';

/** Asks for the API key of a server that does not answer without one. */
export function KeyDialog({ wrong, onKey }: { wrong: boolean; onKey: (key: string) => void }) {
  const dialog = useRef<HTMLDialogElement>(null);
  const [key, setKey] = useState('');

  useEffect(() => {
    const element = dialog.current;
    element?.showModal();
    return () => element?.close();
  }, []);

  const submit = (e: SubmitEvent) => {
    e.preventDefault();
    if (key.trim() !== '') onKey(key.trim());
  };

  return (
    <dialog ref={dialog} className="key-dialog panel" data-testid="key-dialog" data-own-keys aria-labelledby="key-title" onCancel={(e) => e.preventDefault()}>
      <form onSubmit={submit}>
        <h2 id="key-title">This server asks for an API key</h2>
        {wrong ? (
          <p role="alert" className="tone-unhealthy" data-testid="key-wrong">The server does not accept this key. Is it complete, and may it read?</p>
        ) : (
          <p className="soft">It needs the permission to read. It is kept in this tab until you close it.</p>
        )}
        <label>
          <span className="soft">API key</span>
          <input type="password" autoComplete="off" spellCheck={false} value={key} onChange={(e) => setKey(e.target.value)} aria-invalid={wrong} />
        </label>
        <Button type="submit" disabled={key.trim() === ''}>Connect</Button>
      </form>
    </dialog>
  );
}
