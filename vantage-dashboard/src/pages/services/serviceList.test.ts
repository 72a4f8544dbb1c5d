import { describe, expect, it } from 'vitest';
import { ago, countByStatus, fitting, pageOf, type Service } from './serviceList';

const service = (service_name: string, status: Service['status'], district = 'shop', version = 'v1'): Service => ({
  service_name, status, district, version, environment: 'dev', first_seen: 0, last_seen: 0, pods: 1, requests_per_second: 0, error_ratio: null, p95_ms: null, health_score: null,
});
const fleet = [service('cart', 'HEALTHY'), service('Auth', 'UNHEALTHY', 'identity', 'v2'), service('pay', 'HEALTHY', 'shop', 'v2'), service('old', 'UNKNOWN')];
const names = (filter: { text?: string; status?: string; district?: string }) => fitting(fleet, { text: '', status: '', district: '', ...filter }).map((each) => each.service_name);

describe('a filter', () => {
  it.each([
    [{}, ['cart', 'Auth', 'pay', 'old']],
    [{ text: ' AUT' }, ['Auth']],
    [{ text: 'v2' }, ['Auth', 'pay']],
    [{ status: 'HEALTHY', district: 'shop' }, ['cart', 'pay']],
    [{ status: 'HEALTHY', text: 'auth' }, []],
  ])('%j keeps %j', (filter, kept) => expect(names(filter)).toEqual(kept));
});

it('counts by status, the worst first', () => {
  expect(countByStatus(fleet)).toEqual([{ status: 'UNHEALTHY', count: 1 }, { status: 'UNKNOWN', count: 1 }, { status: 'HEALTHY', count: 2 }]);
});

it.each([
  [1, [1, 2], 1, 1],
  [3, [5], 3, 5],
  [9, [5], 3, 5],
  [-1, [1, 2], 1, 1],
  [NaN, [1, 2], 1, 1],
])('page %s has %j', (wanted, rows, page, from) => {
  expect(pageOf([1, 2, 3, 4, 5], wanted, 2)).toEqual({ rows, page, pages: 3, from });
});

it('nothing is one empty page', () => expect(pageOf([], 1)).toEqual({ rows: [], page: 1, pages: 1, from: 0 }));

it.each([[0, 'now'], [-9, 'now'], [42, '42 s ago'], [300, '5 min ago'], [10_800, '3 h ago'], [864_000, '10 d ago']])('%s s are %s', (seconds, words) => {
  expect(ago(1e12 - seconds * 1000, 1e12)).toBe(words);
});
