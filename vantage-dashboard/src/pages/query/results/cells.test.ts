import { describe, expect, test } from 'vitest';
import { cellText, columnWidths, fullText, numberText, sortValue, timeText } from './cells';

const column = (type: string, name = 'c') => ({ name, type });

describe('cells', () => {
  test.each([
    [null, 'number', '–'],
    [1234567.891, 'number', '1,234,567.891'],
    [0.00001234, 'number', '0.00001234'],
    [0, 'integer', '0'],
    [true, 'boolean', 'true'],
    ['two\nlines', 'string', 'two lines'],
    [{ a: '1' }, 'map', '{"a":"1"}'],
    [[1, 2], 'array', '[1,2]'],
    ['<b>bold</b>\u0000\u202e', 'string', '<b>bold</b>\ufffd\ufffd'],
  ])('%j of %s is %j', (value, type, text) => expect(cellText(value, column(type))).toBe(text));

  test('a long text is cut in a cell, and whole in its row', () => {
    const long = 'x'.repeat(10_000);
    expect(cellText(long, column('string')).length).toBe(301);
    expect(fullText(long, column('string'))).toBe(long);
  });
});

test('times have milliseconds where they are not zero', () => {
  expect(timeText(1_000_000_000_123)).toMatch(/2001, \d\d:\d\d:\d\d\.123$/);
  expect(timeText(1_000_000_000_000)).toMatch(/2001, \d\d:\d\d:\d\d$/);
  expect(timeText(8e16)).toBe('80000000000000000');
});

test('numbers keep four places', () => expect([numberText(1.23456), numberText(-0.00000123456)]).toEqual(['1.2346', '-0.000001235']));

test.each([[null, null], [3, 3], ['a', 'a'], [true, 1], [{ a: 1 }, '{"a":1}']])('%j is sorted by %j', (value, by) => expect(sortValue(value)).toBe(by));

test('columns are as wide as they need, within bounds', () => {
  const columns = [column('string', 'id'), column('string', 'body'), column('integer', 'requests')];
  expect(columnWidths({ columns, rows: [['a', 'x'.repeat(400), 12]] })).toEqual([6, 44, 10]);
});
