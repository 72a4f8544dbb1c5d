import { createContext, useCallback, useContext, useEffect, useMemo, useRef, useState } from 'react';
import { useNavigate, useSearchParams, type NavigateFunction } from 'react-router';
import { useStore } from 'zustand';
import type { PastState } from '../stream/timeTravel';
import type { Hud, Session } from './session';
import { parametersOf, viewOf, type ViewState } from './view';

export interface AppContext {
  session: Session;
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

/** The replay that is going on; null while the city is live. */
export function usePast<T>(select: (past: PastState | null) => T): T {
  return useStore(useApp().session.past, select);
}

export type ChangeView = (changes: Partial<ViewState>, options?: { replace?: boolean }) => void;

/** What the address says of the city, and how to change it. Going somewhere else can be gone back from; `replace` cannot. */
export function useView(): [ViewState, ChangeView] {
  const [parameters] = useSearchParams();
  const text = parameters.toString();
  const view = useMemo(() => viewOf(new URLSearchParams(text)), [text]);
  const navigate = useNavigate();
  const latest = useRef<NavigateFunction>(navigate);
  useEffect(() => {
    latest.current = navigate;
  }, [navigate]);
  const change = useCallback<ChangeView>((changes, { replace = false } = {}) => {
    // The address bar itself is always of now; what React last rendered may be older.
    const before = new URLSearchParams(window.location.search), next = new URLSearchParams(before);
    for (const [name, value] of Object.entries(parametersOf(changes))) {
      if (value === null) next.delete(name);
      else next.set(name, value);
    }
    if (next.toString() !== before.toString()) void latest.current({ search: next.toString() }, { replace });
  }, []);
  return [view, change];
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
