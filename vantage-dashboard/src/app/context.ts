import { createContext, useContext, useEffect, useState } from 'react';
import { useStore, type StoreApi } from 'zustand';
import type { Hud, Session } from './session';
import type { ViewState } from './view';

export interface AppContext {
  session: Session;
  view: StoreApi<ViewState>;
}

export const App = createContext<AppContext | null>(null);

export function useApp(): AppContext {
  const app = useContext(App);
  if (!app) throw new Error('useApp needs an <App> provider above it');
  return app;
}

export function useHud<T>(select: (hud: Hud) => T): T {
  return useStore(useApp().session.hud, select);
}

export function useView<T>(select: (view: ViewState) => T): T {
  return useStore(useApp().view, select);
}

/** A value read from the world a few times a second: React's only way to numbers that tick. */
export function useSampled<T>(read: () => T, everyMs: number): T {
  const [value, setValue] = useState(read);
  useEffect(() => {
    const sample = () => setValue(read());
    sample();
    const timer = window.setInterval(sample, everyMs);
    return () => window.clearInterval(timer);
  }, [read, everyMs]);
  return value;
}

export function useMediaQuery(query: string): boolean {
  const [matches, setMatches] = useState(() => window.matchMedia(query).matches);
  useEffect(() => {
    const list = window.matchMedia(query);
    const update = () => setMatches(list.matches);
    update();
    list.addEventListener('change', update);
    return () => list.removeEventListener('change', update);
  }, [query]);
  return matches;
}
