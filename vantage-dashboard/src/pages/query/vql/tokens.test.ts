import { describe, expect, test } from 'vitest';
import { DEFAULT_LIMIT, isCut, lineAndColumn, quoted, spanAt, tokens } from './tokens';

const kinds = (text: string) => tokens(text).map(({ kind, text: part }) => `${kind} ${part}`);

describe('tokens', () => {
  test.each([
    ['SELECT p95(value) FROM metrics', ['keyword SELECT', 'function p95', 'mark (', 'name value', 'mark )', 'keyword FROM', 'table metrics']],
    ['countIf(status_code >= 500)', ['function countIf', 'mark (', 'name status_code', 'operator >=', 'number 500', 'mark )']],
    ["a = 'it''s' -- why", ['name a', 'operator =', "text 'it''s'", 'comment -- why']],
    ["a = 'not closed", ['name a', 'operator =', "text 'not closed"]],
    ["'a\\'b' 'c\\", ["text 'a\\'b'", "text 'c\\"]],
    ['/* half', ['comment /* half']],
    ['TIMESERIES $interval', ['keyword TIMESERIES', 'variable $interval']],
    ['${service}', ['variable ${service}']],
    ['since 5 minutes', ['keyword since', 'number 5', 'keyword minutes']],
    ['count', ['name count']],
    ['größe = "a b" ', ['name größe', 'operator =', 'name "a b"']],
    ['', []],
  ])('of %j', (text, expected) => expect(kinds(text)).toEqual(expected));

  test('cover every character that is no space, in order, of any text', () => {
    const text = "SELECT 'a' FROM ¶ \u0000 x[\"y\"] ' \\ `` ${ $ 1e9.. --";
    const found = tokens(text);
    let seen = 0;
    for (const { from, to, text: part } of found) {
      expect(text.slice(seen, from).trim()).toBe('');
      expect(text.slice(from, to)).toBe(part);
      seen = to;
    }
    expect(text.slice(seen).trim()).toBe('');
  });
});

test.each([
  ['SELECT servce_name FROM x', 7, [7, 18]],
  ['SELECT a  FROM', 9, [9, 10]],
  ['SELECT a WHERE', 14, [13, 14]],
  ['SELECT', 99, [5, 6]],
  ['', 0, [0, 0]],
])('what is underlined in %j at %i', (text, position, [from, to]) => expect(spanAt(text, position)).toEqual({ from, to }));

test('line and column count from one', () => expect(lineAndColumn('ab\ncd', 4)).toEqual({ line: 2, column: 2 }));

test.each([["it's", "'it\\'s'"], ['a\\', "'a\\\\'"]])('%j is quoted', (value, expected) => {
  expect(quoted(value)).toBe(expected);
  expect(tokens(expected)).toHaveLength(1);
});

test('an answer is cut when it has as many rows as the API gives without a LIMIT', () => {
  expect(isCut('SELECT body FROM logs', DEFAULT_LIMIT)).toBe(true);
  expect(isCut('SELECT body FROM logs', DEFAULT_LIMIT - 1)).toBe(false);
  expect(isCut('SELECT body FROM logs limit 1000', DEFAULT_LIMIT)).toBe(false);
  expect(isCut("SELECT body FROM logs WHERE body = 'LIMIT'", DEFAULT_LIMIT)).toBe(true);
});
