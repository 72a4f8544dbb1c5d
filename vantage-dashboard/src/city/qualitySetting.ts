import { createStore } from 'zustand/vanilla';
import { TIERS, type Tier } from './quality';

/** The quality that a person wants of the city. Kept in this browser; null leaves it to what the machine can do. */

const NAME = 'vantage.city.quality';

export const citySetting = createStore<{ quality: Tier['name'] | null }>(() => ({ quality: remembered() }));

export function wantQuality(quality: Tier['name'] | null): void {
  if (quality === null) localStorage.removeItem(NAME);
  else localStorage.setItem(NAME, quality);
  citySetting.setState({ quality });
}

/** What `chooseQuality` goes by: the address, and where that says nothing, the setting. */
export function withSetting(address: URLSearchParams): URLSearchParams {
  const { quality } = citySetting.getState();
  if (quality === null || address.has('quality')) return address;
  const wanted = new URLSearchParams(address);
  wanted.set('quality', quality);
  return wanted;
}

function remembered(): Tier['name'] | null {
  const kept = typeof localStorage === 'undefined' ? null : localStorage.getItem(NAME);
  return kept !== null && kept in TIERS ? (kept as Tier['name']) : null;
}
