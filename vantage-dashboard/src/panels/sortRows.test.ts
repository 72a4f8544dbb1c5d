import { expect, it } from 'vitest';
import type { ServiceRow, StatusCode } from '../world/model';
import { sortRows } from './sortRows';

const row = (name: string, status: StatusCode, p95Ms: number | null): ServiceRow => ({
  slot: 0, id: `p/${name}`, name, environment: 'p', district: 'd', x: 0, z: 0, pods: 1, rps: 1, errorRatio: null, p95Ms, health: null, status,
});
const rows = [row('b', 1, 20), row('a', 3, null), row('c', 2, 10), row('d', 1, 20)];
const names = (sorted: ServiceRow[]) => sorted.map((r) => r.name).join('');

it('puts the worst status first', () => expect(names(sortRows(rows, 'status', false))).toBe('acbd'));
it('keeps rows without a value last in both directions', () => {
  expect(names(sortRows(rows, 'p95Ms', false))).toBe('cbda');
  expect(names(sortRows(rows, 'p95Ms', true))).toBe('bdca');
});
