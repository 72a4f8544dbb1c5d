import { expect, test } from 'vitest';
import { guessRoles } from '../query/results/shape';
import { heatOf } from './heat';

const column = (name: string, type: string) => ({ name, type });
const heat = (columns: { name: string; type: string }[], rows: unknown[][]) => heatOf({ columns, rows }, guessRoles(columns));

test('time goes across, names go down, the greatest first, and gaps stay gaps', () => {
  const found = heat([column('time', 'time'), column('severity', 'string'), column('lines', 'integer')], [[2000, 'INFO', 5], [1000, 'INFO', 3], [1000, 'ERROR', 1]])!;
  expect(found.across.map(({ time }) => time)).toEqual([1000, 2000]);
  expect(found.down).toEqual(['INFO', 'ERROR']);
  expect(found.cells).toEqual([[3, 5], [1, null]]);
  expect(found.greatest).toBe(5);
});

test('without a time the first name goes across', () => {
  const found = heat([column('caller', 'string'), column('service', 'string'), column('calls', 'integer')], [['a', 'b', 2], ['c', '', 1]])!;
  expect(found.across.map(({ text }) => text)).toEqual(['a', 'c']);
  expect(found.down).toEqual(['b', '(empty)']);
});

test('numbers are names where nothing else is, the greatest on top', () => {
  const found = heat([column('time', 'time'), column('bucket', 'number'), column('count', 'integer')], [[1, 2000, 9], [1, 10_000, 1]])!;
  expect(found.down).toEqual(['10,000', '2,000']);
});

test('there is none without a value or something across', () => {
  expect(heat([column('a', 'string')], [['x']])).toBeNull();
  expect(heat([column('n', 'integer')], [[1]])).toBeNull();
});
