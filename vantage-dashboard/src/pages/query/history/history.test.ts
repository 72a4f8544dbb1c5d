import { describe, expect, test } from 'vitest';
import { added, matching, MOST_QUERIES, readPast, without, type PastQuery } from './history';

const query = (text: string, at = 0): PastQuery => ({ query: text, at, rows: 1, elapsedMs: 2 });

describe('the history', () => {
  test('has the newest first, and each query once', () => {
    const past = added(added(added([], query('a', 1)), query('b', 2)), query('a', 3));
    expect(past.map(({ query: text, at }) => [text, at])).toEqual([['a', 3], ['b', 2]]);
  });
  test('is bounded by number and by characters', () => {
    let past: PastQuery[] = [];
    for (let i = 0; i < MOST_QUERIES + 5; i++) past = added(past, query(`q${i}`));
    expect(past).toHaveLength(MOST_QUERIES);
    expect(past[0]!.query).toBe(`q${MOST_QUERIES + 4}`);
    for (let i = 0; i < 50; i++) past = added(past, query(`${i}${'x'.repeat(9990)}`));
    expect(past.reduce((sum, each) => sum + each.query.length, 0)).toBeLessThanOrEqual(200_000);
  });
  test('is searched word by word', () => {
    const past = [query('SELECT p95 FROM spans'), query('SELECT count() FROM logs')];
    expect(matching(past, 'select LOGS')).toEqual([past[1]]);
    expect(matching(past, '  ')).toEqual(past);
  });
  test('forgets', () => expect(without([query('a'), query('b')], 'a')).toEqual([query('b')]));
  test.each([null, '', 'not JSON', '{"a":1}', '[1, null, {"query": 5}]'])('reads nothing out of %j', (stored) => expect(readPast(stored)).toEqual([]));
  test('reads what it wrote', () => expect(readPast(JSON.stringify([query('a'), 'other']))).toEqual([query('a')]));
});
