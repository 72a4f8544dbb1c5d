import { createStore } from 'zustand/vanilla';

/** The key a server with configured keys asks for. Kept for the tab's session only. */

const NAME = 'vantage.apiKey';

export interface KeyState {
  key: string | null;
  /** The server refused what we have: nothing, or a wrong key. */
  refused: boolean;
}

export const apiKey = createStore<KeyState>(() => ({ key: remembered(), refused: false }));

/** A refusal of an older key says nothing about the one given since. */
export function keyRefused(key: string | null): void {
  if (key === apiKey.getState().key) apiKey.setState({ refused: true });
}

export function giveKey(key: string): void {
  sessionStorage.setItem(NAME, key);
  apiKey.setState({ key, refused: false });
}

/** From now on this browser calls without a key. */
export function forgetKey(): void {
  sessionStorage.removeItem(NAME);
  apiKey.setState({ key: null, refused: false });
}

function remembered(): string | null {
  return typeof sessionStorage === 'undefined' ? null : sessionStorage.getItem(NAME);
}
