import { beforeEach, expect, it, vi } from 'vitest';
import { chooseQuality } from './quality';
import { citySetting, wantQuality, withSetting } from './qualitySetting';

const stored = new Map<string, string>();
const chosen = (address: string) => chooseQuality(withSetting(new URLSearchParams(address)), 'a real GPU');

beforeEach(() => {
  stored.clear();
  vi.stubGlobal('localStorage', { setItem: (name: string, value: string) => stored.set(name, value), removeItem: (name: string) => stored.delete(name) });
  citySetting.setState({ quality: null });
});

it('leaves the choice to the machine until somebody chooses', () => {
  expect(chosen('')).toMatchObject({ tier: { name: 'high' }, fixed: false });
});

it('is kept, and holds whatever the machine can do', () => {
  wantQuality('low');
  expect([...stored.values()]).toEqual(['low']);
  expect(chosen('fx=on')).toMatchObject({ tier: { name: 'low', bloom: true }, fixed: true });
});

it('steps back for what an address says', () => {
  wantQuality('low');
  expect(chosen('quality=medium').tier.name).toBe('medium');
});

it('can be taken back', () => {
  wantQuality('low');
  wantQuality(null);
  expect([stored.size, chosen('').tier.name]).toEqual([0, 'high']);
});
