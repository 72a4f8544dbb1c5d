import { parseLogMessage, type LogBatch, type LogFilter } from './logs';
import { ReconnectingSocket, type LinkState } from './socket';

export interface LogStream {
  subscribe: (filter: LogFilter) => void;
  retryNow: () => void;
  close: () => void;
}

/** At most four batches a second arrive here: no worker is needed. */
export function openLogStream(url: string, apiKey: string | null, onBatch: (batch: LogBatch) => void, onRefused: () => void, onState: (state: LinkState) => void = () => undefined): LogStream {
  let current: LogFilter = {};
  const socket = new ReconnectingSocket({
    url,
    apiKey,
    staleAfterMs: null,
    onState,
    onRefused,
    onOpen: (send) => send({ type: 'subscribe', ...current }),
    onMessage: (data) => {
      const batch = typeof data === 'string' ? parseLogMessage(data) : null;
      if (batch) onBatch(batch);
    },
  });
  socket.start();
  return {
    subscribe: (filter) => {
      current = filter;
      socket.send({ type: 'subscribe', ...filter });
    },
    retryNow: () => socket.retryNow(),
    close: () => socket.stop(),
  };
}
