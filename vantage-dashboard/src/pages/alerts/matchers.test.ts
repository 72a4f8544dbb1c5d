import { expect, it } from 'vitest';
import type { Api } from '../../api/types';
import { covers, matcherWords, type Matcher } from './matchers';

const alert: Api<'AlertView'> = {
  id: 'a1', rule_id: 'builtin-slow', rule_name: 'Slower than usual (p95)', service_name: 'checkout', metric: 'http.request.duration', state: 'firing', severity: 'critical',
  started: 0, fired: 0, ended: null, changed: 0, value: 1, threshold: 1, expected: null, by: '', comment: '', labels: { team: 'shop' }, runbook: '', silenced_by: null,
};
const service = (value: string): Matcher => ({ field: 'service', value, label: '' });

it.each([['checkout', true], ['check*', true], ['*', true], ['?heckout', true], ['[a-d]heckout', true], ['[!x]heckout', true], ['check', false], ['[!c]heckout', false], ['CHECKOUT', false], ['[z-a]*', false], ['check.ut', false], ['check[out', false]])(
  'the pattern %s fits checkout: %s',
  (pattern, fits) => {
    expect(covers([service(pattern)], alert)).toBe(fits);
  },
);

it('wants every matcher to fit', () => {
  const team: Matcher = { field: 'label', label: 'team', value: 'sh*' }, name: Matcher = { field: 'rule_name', label: '', value: 'Slower*(p95)' };
  expect(covers([service('*'), team, name], alert)).toBe(true);
  expect(covers([service('*'), { ...team, label: 'owner' }], alert)).toBe(false);
  expect(covers([], alert)).toBe(false);
});

it('takes a star in brackets for a star, and shows it so', () => {
  expect(covers([service('[*]')], { ...alert, service_name: '*' })).toBe(true);
  expect(matcherWords(service('a[*]b'))).toBe('service = a*b');
});
