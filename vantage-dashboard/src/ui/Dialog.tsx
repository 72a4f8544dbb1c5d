import { useEffect, useId, useRef, type ReactNode } from 'react';
import { Button } from './Button';
import './dialog.css';

interface DialogProps {
  title: string;
  onClose: () => void;
  children: ReactNode;
  /** Shown below, after which there is nothing: the buttons. */
  actions?: ReactNode;
}

/** A modal dialog as long as it is rendered. The browser keeps the focus in it, and gives it back. */
export function Dialog({ title, onClose, children, actions }: DialogProps) {
  const dialog = useRef<HTMLDialogElement>(null);
  const id = useId();
  useEffect(() => {
    const element = dialog.current;
    element?.showModal();
    return () => element?.close();
  }, []);
  return (
    <dialog
      ref={dialog}
      className="dialog"
      data-own-keys
      aria-labelledby={id}
      onCancel={(e) => {
        e.preventDefault();
        onClose();
      }}
    >
      <header>
        <h2 id={id}>{title}</h2>
        <Button className="ghost" aria-label="Close" onClick={onClose}>✕</Button>
      </header>
      <div className="dialog-body">{children}</div>
      {actions !== undefined && <footer>{actions}</footer>}
    </dialog>
  );
}
