import { expect, it } from 'vitest';
import type { Api } from '../../api/types';
import { NEW_SILENCE, silenceBodyOf, silenceDraftOf, silenceState } from './silenceDraft';

const NOW = 1_790_000_000_000;
const MATCHERS: Api<'Matcher'>[] = [{ field: 'service', value: 'checkout', label: '' }, { field: 'label', value: 'shop', label: 'team' }];

it('begins now and lasts as long as is said', () => {
  expect(silenceBodyOf({ ...NEW_SILENCE, matchers: MATCHERS, length: '2h', comment: 'move' }, NOW)).toEqual({ matchers: MATCHERS, start_ms: NOW, end_ms: NOW + 7_200_000, comment: 'move' });
});

it('survives its form', () => {
  const silence: Api<'SilenceView'> = { id: 's', version: 1, author: 'a', active: true, matchers: MATCHERS, start: NOW, end: NOW + 60_000, comment: '' };
  expect(silenceBodyOf(silenceDraftOf(silence), 5)).toEqual({ matchers: MATCHERS, start_ms: NOW, end_ms: NOW + 60_000, comment: '' });
});

it('names a label only where one is meant', () => {
  const [matcher] = silenceBodyOf({ ...NEW_SILENCE, matchers: [{ field: 'service', value: 'a', label: 'left over' }] }, NOW).matchers;
  expect(matcher?.label).toBe('');
});

it('sends nothing for an end that is no time', () => {
  expect(JSON.parse(JSON.stringify(silenceBodyOf({ ...NEW_SILENCE, length: 'long' }, NOW)))).toMatchObject({ end_ms: null });
});

it('is active, to come, or over', () => {
  expect([silenceState({ active: true, end: NOW + 1 }, NOW), silenceState({ active: false, end: NOW + 1 }, NOW), silenceState({ active: false, end: NOW - 1 }, NOW)]).toEqual(['active', 'upcoming', 'over']);
});
