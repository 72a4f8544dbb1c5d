import type { FromWorker, ToWorker } from './city.protocol';
import { decodeFrame, frameBuffers, NewerSchemaError, SCHEMA } from './frames';
import { parseCityMessage } from './messages';
import { ReconnectingSocket } from './socket';

/** Owns the /ws/city socket and decodes off the page's thread. */

const STALE_AFTER_MS = 3000;

let socket: ReconnectingSocket | null = null;

const post = (message: FromWorker, transfer: Transferable[] = []): void => {
  self.postMessage(message, { transfer });
};

self.onmessage = ({ data }: MessageEvent<ToWorker>) => {
  if (data.type === 'retry') {
    socket?.retryNow();
    return;
  }
  socket?.stop();
  socket = new ReconnectingSocket({
    url: data.url,
    apiKey: data.apiKey,
    staleAfterMs: STALE_AFTER_MS,
    onState: (state) => post({ type: 'state', state }),
    onMessage: receive,
    onRefused: () => post({ type: 'refused' }),
  });
  socket.start();
};

function receive(data: string | ArrayBuffer): void {
  const at = performance.timeOrigin + performance.now();
  try {
    if (typeof data === 'string') {
      const message = parseCityMessage(data);
      if (message.type === 'hello' && message.schema > SCHEMA) throw new NewerSchemaError(message.schema);
      post({ type: 'message', message, at });
    } else {
      const frame = decodeFrame(data);
      post({ type: 'frame', frame, at, bytes: data.byteLength }, frameBuffers(frame) as ArrayBuffer[]);
    }
  } catch (error) {
    if (error instanceof NewerSchemaError) {
      socket?.stop();
      post({ type: 'incompatible', reason: error.message });
    } else {
      // A single broken frame is not a reason to stop: the next tick carries everything again.
      console.error('city stream:', error);
    }
  }
}
