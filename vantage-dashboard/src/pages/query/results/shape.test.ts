import { describe, expect, test } from 'vitest';
import { barsOf, guessRoles, hasBars, hasTime, readRoles, seriesOf, withRole, writeRoles } from './shape';

const column = (name: string, type: string) => ({ name, type });
const TIME = column('time', 'time'), SERVICE = column('service_name', 'string'), COUNT = column('count()', 'integer'), P95 = column('p95', 'number');

describe('roles', () => {
  test.each([
    [[TIME, SERVICE, COUNT], 'tsv'],
    [[SERVICE, COUNT, P95], 'svv'],
    [[TIME, column('until', 'time'), COUNT], 't-v'],
    [[column('status_code', 'integer'), COUNT], 'sv'],
    [[column('tags', 'map'), column('q', 'array'), column('ok', 'boolean')], '--s'],
    [[], ''],
  ])('are guessed', (columns, letters) => expect(writeRoles(guessRoles(columns))).toBe(letters));

  test.each([
    ['t-v', 't-v'],
    ['tvv', 'tsv'],
    ['ts', 'tsv'],
    ['xyz', 'tsv'],
    ['', 'tsv'],
  ])('of an address %j count if they fit', (text, letters) => expect(writeRoles(readRoles(text, [TIME, SERVICE, COUNT]))).toBe(letters));

  test('there is one time', () => expect(withRole(['time', 'none', 'value'], 1, 'time')).toEqual(['none', 'time', 'value']));

  test('what can be drawn', () => {
    expect(hasTime(guessRoles([TIME, COUNT]))).toBe(true);
    expect(hasTime(guessRoles([TIME, SERVICE]))).toBe(false);
    expect(hasBars(guessRoles([SERVICE, COUNT]))).toBe(true);
    expect(hasBars(guessRoles([COUNT]))).toBe(false);
  });
});

describe('series', () => {
  const rows = [[2000, 'cart', 1], [1000, 'cart', 2], [1000, 'orders', 30], [2000, 'orders', null], ['?', 'cart', 9]];

  test('one a name, by time, the greatest first; gaps stay gaps', () => {
    const { series, total, overlaid } = seriesOf({ columns: [TIME, SERVICE, COUNT], rows }, guessRoles([TIME, SERVICE, COUNT]));
    expect(series).toEqual([
      { key: 'orders', name: 'orders', points: [[1000, 30], [2000, null]] },
      { key: 'cart', name: 'cart', points: [[1000, 2], [2000, 1]] },
    ]);
    expect([total, overlaid]).toEqual([2, 0]);
  });

  test('several values are several series', () => {
    const columns = [TIME, COUNT, P95];
    expect(seriesOf({ columns, rows: [[1, 2, 3]] }, guessRoles(columns)).series.map(({ name }) => name)).toEqual(['p95', 'count()']);
  });

  test('rows on one point, and more series than are drawn, are told', () => {
    const columns = [TIME, SERVICE, COUNT];
    const found = seriesOf({ columns, rows: [[1, 'a', 1], [1, 'a', 2], [1, 'b', 1]] }, guessRoles(columns), 1);
    expect(found).toMatchObject({ total: 2, overlaid: 1 });
    expect(found.series).toEqual([{ key: 'a', name: 'a', points: [[1, 2]] }]);
  });

  test('names are inert and short', () => {
    const columns = [TIME, SERVICE, COUNT];
    const [series] = seriesOf({ columns, rows: [[1, `\u001b[31m${'x'.repeat(10_000)}`, 1]] }, guessRoles(columns)).series;
    expect(series!.name.length).toBeLessThan(320);
    expect(series!.name).not.toContain('\u001b');
  });
});

test('bars have every value', () => {
  const columns = [SERVICE, COUNT, P95];
  expect(barsOf({ columns, rows: [['a', 1, null], ['', 2, 3]] }, guessRoles(columns))).toEqual({
    values: ['count()', 'p95'],
    bars: [{ name: 'a', values: [1, null] }, { name: '(empty)', values: [2, 3] }],
  });
});
