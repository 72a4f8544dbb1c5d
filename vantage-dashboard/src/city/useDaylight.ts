import { useSyncExternalStore } from 'react';

/** Whether the city lies in daylight: in the light theme. */
export function useDaylight(): boolean {
  return useSyncExternalStore(watch, isLight);
}

function watch(changed: () => void): () => void {
  const observer = new MutationObserver(changed);
  observer.observe(document.documentElement, { attributeFilter: ['data-theme'] });
  return () => observer.disconnect();
}

const isLight = (): boolean => document.documentElement.dataset['theme'] === 'light';
