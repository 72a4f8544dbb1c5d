import type { FromWorker, ToWorker } from './city.protocol';

export interface CityStream {
  retryNow: () => void;
  close: () => void;
}

/** Starts the city worker and hands every message of it to `receive`. */
export function openCityStream(url: string, apiKey: string | null, receive: (message: FromWorker) => void): CityStream {
  const worker = new Worker(new URL('./city.worker.ts', import.meta.url), { type: 'module', name: 'city-stream' });
  const tell = (message: ToWorker) => worker.postMessage(message);
  worker.onmessage = ({ data }: MessageEvent<FromWorker>) => receive(data);
  tell({ type: 'start', url, apiKey });
  return { retryNow: () => tell({ type: 'retry' }), close: () => worker.terminate() };
}

/** A path of the server that served the page, as a WebSocket address. */
export function socketUrl(path: string, page: Location = window.location): string {
  return `${page.protocol === 'https:' ? 'wss:' : 'ws:'}//${page.host}${path}`;
}
