import { describe, expect, it } from 'vitest';
import { baselineOf, questionOf, readSides } from './sides';

const HOUR = 3_600_000, DAY = 24 * HOUR;
const window = { start: 1000 * DAY, end: 1000 * DAY + HOUR };
const ask = (text: string, at = window, environment = '') => questionOf(readSides(new URLSearchParams(text)), at, environment);

describe('says what is still to be chosen', () => {
  it.each([
    ['', 'Choose a service.'],
    ['service=cart', 'Choose the service to compare with.'],
    ['kind=versions&service=cart&from=v1', 'Choose two versions.'],
    ['kind=versions&service=cart&from=v1&to=v1', 'Choose two different versions.'],
    [`kind=windows&service=cart&before=${window.start - HOUR / 2}`, 'The two windows overlap. Choose an earlier one before, or a shorter range.'],
    ['kind=pie', 'Choose a service.'],
  ])('%s', (text, words) => expect(ask(text)).toBe(words));

  it('a range that is too long', () => expect(ask('service=a&with=b', { start: 0, end: 8 * DAY })).toContain('at most 7 days'));
});

it('asks for two services of one environment', () => {
  expect(ask('service=cart&with=pay&tag=region:eu&better=higher&alpha=0.01&least=5', window, 'dev')).toEqual({
    kind: 'services',
    body: {
      baseline_service: 'cart', candidate_service: 'pay', time_start: window.start, time_end: window.end, metric_name: 'http.request.duration', lower_is_better: false, scale: 'auto', alpha: 0.01, min_effect_pct: 5,
      baseline_tags: { environment: 'dev', region: 'eu' }, candidate_tags: { environment: 'dev', region: 'eu' },
    },
  });
});

it('asks for two versions', () => {
  expect(ask('kind=versions&service=cart&from=v1&to=v2')).toMatchObject({ kind: 'versions', body: { service: 'cart', baseline_version: 'v1', candidate_version: 'v2', tags: {}, alpha: 0.05 } });
});

it.each([['previous', HOUR], ['1d', DAY], ['7d', 7 * DAY], ['nonsense', HOUR]])('%s is a window of the same length, earlier', (before, by) => {
  expect(baselineOf(window, before)).toEqual({ start: window.start - by, end: window.end - by });
});

it('a window before may begin at an instant', () => {
  expect(ask(`kind=windows&service=cart&before=${500 * DAY}`)).toMatchObject({ body: { baseline_start: 500 * DAY, baseline_end: 500 * DAY + HOUR, candidate_start: window.start } });
});
