import { expect, it } from 'vitest';
import type { Edge, ServiceRow, StatusCode } from '../world/model';
import { neighboursOf } from './neighbours';

/** slot → status; names are slots. */
function city(statuses: readonly StatusCode[], ways: readonly (readonly [number | null, number])[]) {
  const rows = statuses.map((status, slot): ServiceRow => ({ slot, id: `p/${slot}`, name: String(slot), environment: 'p', district: 'd', x: 0, z: 0, pods: 1, rps: 1, errorRatio: null, p95Ms: null, health: status === 3 ? 20 : 60, status }));
  const edges = ways.map(([from, to], id): Edge => ({ id, from, to }));
  return (slot: number) => neighboursOf((each) => rows[each], edges, slot);
}
const names = (rows: readonly ServiceRow[]) => rows.map(({ name }) => name).join('');

it('says who calls and who is called, the worst first', () => {
  const { callers, callees, isEntered, upstream, downstream } = city([1, 1, 3, 1], [[null, 0], [0, 1], [1, 3], [1, 2]])(1);
  expect([names(callers), names(callees), isEntered, upstream, downstream]).toEqual(['0', '23', false, 1, 2]);
});

it('follows trouble to where it begins', () => {
  const { causes } = city([3, 3, 2, 1, 3], [[0, 1], [1, 2], [2, 3], [0, 4]])(0);
  expect(causes.map(({ row, via }) => `${row.name} via ${names(via)}`)).toEqual(['4 via ', '2 via 1']);
});

it('names no cause where the service is well, or all it calls is', () => {
  expect(city([1, 3], [[0, 1]])(0).causes).toEqual([]);
  expect(city([3, 1], [[0, 1]])(0).causes).toEqual([]);
});

it('does not run in rings', () => {
  expect(city([3, 3], [[0, 1], [1, 0], [1, 1]])(0).causes).toEqual([]);
});
