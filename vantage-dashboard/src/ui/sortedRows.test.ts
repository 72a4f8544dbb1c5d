import { expect, it } from 'vitest';
import { sortedRows, type Column } from './sortedRows';

interface Row { name: string; p95: number | null }
const columns: Column<Row>[] = [
  { key: 'name', title: 'Name', cell: (row) => row.name, sortBy: (row) => row.name },
  { key: 'p95', title: 'p95', cell: (row) => row.p95, sortBy: (row) => row.p95, numeric: true },
  { key: 'plain', title: 'Plain', cell: () => '' },
];
const rows: Row[] = [{ name: 'b', p95: 9 }, { name: 'c', p95: null }, { name: 'a', p95: 100 }];
const order = (sort: string) => sortedRows(rows, columns, sort).map((row) => row.name).join('');

it('sorts texts as people read and numbers by size', () => {
  expect([order('name'), order('-name'), order('p95')]).toEqual(['abc', 'cba', 'bac']);
});

it('leaves what has no value at the end, whichever way it is sorted', () => {
  expect([order('p95'), order('-p95')]).toEqual(['bac', 'abc']);
});

it('leaves the rows as they came for a column that is not sorted or not there', () => {
  expect([order('plain'), order('nothing'), order('')]).toEqual(['bca', 'bca', 'bca']);
});
