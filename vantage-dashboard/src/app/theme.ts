import { createStore } from 'zustand/vanilla';

/** Light, dark, or as the system has it. Kept for this browser; the page's root element carries the outcome. */

export const THEMES = ['system', 'dark', 'light'] as const;
export type Theme = (typeof THEMES)[number];

const NAME = 'vantage.theme';
const LIGHT = '(prefers-color-scheme: light)';

export const theme = createStore<{ chosen: Theme }>(() => ({ chosen: remembered() }));

export function chooseTheme(chosen: Theme): void {
  localStorage.setItem(NAME, chosen);
  theme.setState({ chosen });
}

/** Keeps the root element as it should be, from now on. */
export function applyTheme(): void {
  const system = window.matchMedia(LIGHT);
  const apply = () => {
    const { chosen } = theme.getState();
    document.documentElement.dataset['theme'] = chosen === 'system' ? (system.matches ? 'light' : 'dark') : chosen;
  };
  theme.subscribe(apply);
  system.addEventListener('change', apply);
  apply();
}

function remembered(): Theme {
  if (typeof localStorage === 'undefined') return 'system';
  return THEMES.find((name) => name === localStorage.getItem(NAME)) ?? 'system';
}
