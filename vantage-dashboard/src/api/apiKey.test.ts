import { beforeEach, expect, it, vi } from 'vitest';
import { apiKey, forgetKey, giveKey, keyRefused } from './apiKey';

const stored = new Map<string, string>();

beforeEach(() => {
  stored.clear();
  vi.stubGlobal('sessionStorage', { getItem: (name: string) => stored.get(name) ?? null, setItem: (name: string, value: string) => stored.set(name, value), removeItem: (name: string) => stored.delete(name) });
  apiKey.setState({ key: null, refused: false });
});

it('asks when the server refuses to answer without a key', () => {
  keyRefused(null);
  expect(apiKey.getState()).toEqual({ key: null, refused: true });
});

it('keeps a given key for the session and stops asking', () => {
  keyRefused(null);
  giveKey('secret');
  expect(apiKey.getState()).toEqual({ key: 'secret', refused: false });
  expect([...stored.values()]).toEqual(['secret']);
});

it('asks again when the given key is wrong, not when a late answer refuses the former one', () => {
  giveKey('secret');
  keyRefused(null);
  expect(apiKey.getState().refused).toBe(false);
  keyRefused('secret');
  expect(apiKey.getState().refused).toBe(true);
});

it('forgets the key, in the tab and in its store', () => {
  giveKey('secret');
  forgetKey();
  expect(apiKey.getState()).toEqual({ key: null, refused: false });
  expect(stored.size).toBe(0);
});
