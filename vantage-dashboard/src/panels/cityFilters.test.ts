import { describe, expect, it } from 'vitest';
import type { ServiceRow } from '../world/model';
import { districtName, filterCount, filterOf, filterParameters, filterServices, filterWords, NO_FILTER, type CityFilter } from './cityFilters';

const row = (name: string, changes: Partial<ServiceRow> = {}): ServiceRow => ({
  slot: 0, id: `production/${name}`, name, environment: 'production', district: 'shop', x: 0, z: 0, pods: 1, rps: 10, errorRatio: 0, p95Ms: 20, health: 99, status: 1, ...changes,
});
const rows = [
  row('cart'),
  row('pay', { status: 3, errorRatio: 0.2 }),
  row('search', { status: 2, p95Ms: 1400, district: 'find' }),
  row('idle', { status: 0, rps: 0, errorRatio: null, p95Ms: null, environment: 'staging' }),
  row('cart-2', { district: 'shop 2' }),
];

describe('filterServices', () => {
  it.each<[string, Partial<CityFilter>, string[]]>([
    ['nothing asked for', {}, ['cart', 'pay', 'search', 'idle', 'cart-2']],
    ['an environment', { environment: 'staging' }, ['idle']],
    ['a district, with all its quarters', { district: 'shop' }, ['cart', 'pay', 'idle', 'cart-2']],
    ['two statuses', { statuses: ['unhealthy', 'degraded'] }, ['pay', 'search']],
    ['errors', { trouble: 'errors' }, ['pay']],
    ['slowness', { trouble: 'slow' }, ['search']],
    ['silence', { trouble: 'silent' }, ['idle']],
    ['several things at once', { environment: 'production', statuses: ['unhealthy'], trouble: 'errors' }, ['pay']],
    ['what there is none of', { environment: 'moon' }, []],
  ])('%s', (_what, filter, names) => {
    expect(filterServices(rows, { ...NO_FILTER, ...filter }).map(({ name }) => name)).toEqual(names);
  });
});

describe('the address', () => {
  it.each<[string, Partial<CityFilter>]>([
    ['', {}],
    ['env=production&district=shop', { environment: 'production', district: 'shop' }],
    ['status=unhealthy%2Cdegraded&trouble=slow', { statuses: ['unhealthy', 'degraded'], trouble: 'slow' }],
  ])('"%s" is read and written', (address, filter) => {
    const read = filterOf(new URLSearchParams(address));
    expect(read).toEqual({ ...NO_FILTER, ...filter });
    const written = Object.entries(filterParameters(read)).flatMap(([name, value]) => (value === null ? [] : [[name, value]]));
    expect(new URLSearchParams(written).toString()).toBe(address);
  });

  it('may hold what this build does not know', () => {
    expect(filterOf(new URLSearchParams('status=purple,unhealthy&trouble=ghosts'))).toEqual({ ...NO_FILTER, statuses: ['unhealthy'] });
  });
});

it.each([['payments', 'payments'], ['payments 2', 'payments'], ['payments 12', 'payments'], ['area 51b', 'area 51b'], ['7', '7'], ['', '']])('the district of quarter "%s" is "%s"', (quarter, name) => {
  expect(districtName(quarter)).toBe(name);
});

it('counts and says what is asked for', () => {
  const filter: CityFilter = { environment: 'production', district: '', statuses: ['unhealthy', 'degraded'], trouble: 'slow' };
  expect(filterCount(filter)).toBe(3);
  expect(filterWords(filter)).toBe('production, unhealthy or degraded, Slow: p95 of 1 s and more');
  expect(filterCount(NO_FILTER)).toBe(0);
});
