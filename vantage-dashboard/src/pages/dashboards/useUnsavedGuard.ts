import { useEffect, useRef, useState } from 'react';
import { useNavigate } from 'react-router';

interface Guard {
  /** Somebody is about to leave; undefined otherwise. */
  leave: (() => void) | undefined;
  stay: () => void;
}

/** Asks before unsaved changes are left behind: by a link, by the browser's way back, or by closing the tab. */
export function useUnsavedGuard(isUnsaved: boolean): Guard {
  const [leave, setLeave] = useState<() => void>();
  const navigate = useNavigate();
  const go = useRef(navigate);
  /** Index of an entry of the history that is this page once more: the way back ends on the page, where it can be asked. */
  const guardIndex = useRef<number | null>(null);
  useEffect(() => {
    go.current = navigate;
  }, [navigate]);
  useEffect(() => {
    if (!isUnsaved) return;
    if (guardIndex.current === null) {
      void go.current({ search: window.location.search });
      guardIndex.current = historyIndex();
    }
    const unload = (e: BeforeUnloadEvent) => e.preventDefault();
    const click = (e: MouseEvent) => {
      const link = (e.target as Element).closest('a');
      const isPlain = e.button === 0 && !e.ctrlKey && !e.metaKey && !e.shiftKey;
      if (!link || !isPlain || link.hasAttribute('download') || link.origin !== window.location.origin || link.pathname === window.location.pathname) return;
      e.preventDefault();
      e.stopPropagation();
      const to = link.pathname + link.search;
      setLeave(() => () => void go.current(to));
    };
    const back = () => {
      if (historyIndex() < guardIndex.current!) setLeave(() => () => void go.current(-1));
    };
    window.addEventListener('beforeunload', unload);
    window.addEventListener('popstate', back);
    document.addEventListener('click', click, { capture: true });
    return () => {
      window.removeEventListener('beforeunload', unload);
      window.removeEventListener('popstate', back);
      document.removeEventListener('click', click, { capture: true });
    };
  }, [isUnsaved]);
  const stay = () => {
    setLeave(undefined);
    if (guardIndex.current !== null && historyIndex() < guardIndex.current) void go.current({ search: window.location.search });
  };
  return { leave, stay };
}

/** The router numbers the entries of the browser's history. */
function historyIndex(): number {
  const state: unknown = window.history.state;
  return typeof state === 'object' && state !== null && 'idx' in state && typeof state.idx === 'number' ? state.idx : 0;
}
