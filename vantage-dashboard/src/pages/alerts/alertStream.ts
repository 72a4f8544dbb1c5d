import { backoffMs } from '../../stream/backoff';

/** /api/stream/alerts, followed for as long as somebody looks. */

export interface AlertStream {
  /** A ticket opens one stream: each attempt needs one of its own. */
  ticket: () => Promise<string>;
  open: (url: string) => EventSource;
  /** Something has happened to an alert, or may have while nobody listened. */
  onChange: () => void;
  onLive: (isLive: boolean) => void;
}

/** Returns how to stop. It comes back by itself, and names the last event it has seen. */
export function followAlerts({ ticket, open, onChange, onLive }: AlertStream): () => void {
  let source: EventSource | null = null;
  let timer: ReturnType<typeof setTimeout> | null = null;
  let lastId = '';
  let attempt = 0;
  let isOver = false;

  const retry = () => {
    source?.close();
    source = null;
    if (isOver || timer !== null) return;
    onLive(false);
    timer = setTimeout(() => {
      timer = null;
      void connect();
    }, backoffMs(attempt++, Math.random));
  };

  const connect = async () => {
    try {
      const address = new URLSearchParams({ ticket: await ticket() });
      if (lastId !== '') address.set('since', lastId);
      if (!isOver) listen(open(`/api/stream/alerts?${address}`));
    } catch {
      retry();
    }
  };

  const listen = (opened: EventSource) => {
    source = opened;
    opened.onopen = () => {
      // What happened before the first event of this stream is in no stream.
      if (lastId === '') onChange();
      attempt = 0;
      onLive(true);
    };
    opened.addEventListener('alert', ({ lastEventId }) => {
      lastId = lastEventId;
      onChange();
    });
    opened.addEventListener('reset', () => {
      lastId = '';
      onChange();
    });
    // By itself it would come back with a ticket that is used up.
    opened.onerror = retry;
  };

  void connect();
  return () => {
    isOver = true;
    if (timer !== null) clearTimeout(timer);
    source?.close();
  };
}
