import { createStore, type StoreApi } from 'zustand/vanilla';

/** What a person chose to see. Nothing in here changes by itself. */
export interface ViewState {
  selectedId: string | null;
  table: boolean;
  logsOpen: boolean;
  /** Service name the Black Box is narrowed to. */
  logsService: string;
  traceId: string | null;
}

const WIDE = '(min-width: 1000px) and (min-height: 640px)';

export function createView(address: URLSearchParams, isWide = window.matchMedia(WIDE).matches): StoreApi<ViewState> {
  return createStore<ViewState>(() => ({
    selectedId: address.get('service'),
    table: address.get('view') === 'table',
    logsOpen: isWide,
    logsService: '',
    traceId: null,
  }));
}

/** The address bar follows the selection, so that what is seen can be sent to a colleague. */
export function syncAddress(view: StoreApi<ViewState>): () => void {
  return view.subscribe(({ selectedId, table }) => {
    const url = new URL(window.location.href);
    set(url.searchParams, 'service', selectedId);
    set(url.searchParams, 'view', table ? 'table' : null);
    if (url.href !== window.location.href) window.history.replaceState(null, '', url);
  });
}

function set(parameters: URLSearchParams, name: string, value: string | null): void {
  if (value === null) parameters.delete(name);
  else parameters.set(name, value);
}
