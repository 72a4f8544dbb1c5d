import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { filled, interval, POINTS, STEPS_S, unknownVariable } from './fill';

const HOUR = 3_600_000;
const fill = (query: string, values: Record<string, string> = {}) => filled(query, values, 0, HOUR).text.split('\nSINCE')[0];

test('points and steps are those of the API', () => {
  const python = readFileSync(new URL('../../../../vantage-api/vantage_api/dashboards/queries.py', import.meta.url), 'utf8');
  const steps = /_STEPS_S: Final = \(([^)]*)\)/.exec(python)![1]!;
  expect(STEPS_S).toEqual(steps.split(',').map((step) => Number(step.replaceAll('_', ''))));
  expect(POINTS).toBe(Number(/POINTS: Final = (\d+)/.exec(python)![1]));
});

describe('filled', () => {
  test.each([
    ['a = $service', { service: 'cart' }, "a = 'cart'"],
    ['a = ${service}x', { service: 'cart' }, "a = 'cart'x"],
    ['a = $v', { v: "' OR 1 = 1 --" }, "a = '\\' OR 1 = 1 --'"],
    ['TIMESERIES $interval', {}, 'TIMESERIES 60 SECOND'],
    ['a = $none', {}, 'a = $none'],
  ])('%s', (query, values, expected) => expect(fill(query, values as Record<string, string>)).toBe(expected));

  test('the range is put behind a query without one', () => {
    expect(filled('SELECT 1 FROM logs;', {}, 5, HOUR).text).toBe(`SELECT 1 FROM logs\nSINCE 5 UNTIL ${HOUR}`);
    expect(filled('SELECT 1 FROM logs since 1 HOUR', {}, 5, HOUR).text).toBe('SELECT 1 FROM logs since 1 HOUR');
    expect(filled("SELECT 'SINCE' FROM logs -- SINCE", {}, 5, HOUR).text).toMatch(/\nSINCE 5/);
  });

  test('a place in the text is led back to the query', () => {
    const query = 'a = $service AND bad = 1';
    const { text, original } = filled(query, { service: 'a longer value' }, 0, HOUR);
    expect(original(text.indexOf('bad'))).toBe(query.indexOf('bad'));
    expect(original(text.indexOf('longer'))).toBe(query.indexOf('$service'));
    expect(original(9999)).toBe(query.length);
  });
});

test.each([[60_000, '1 SECOND'], [HOUR, '60 SECOND'], [24 * HOUR, '900 SECOND'], [30 * 24 * HOUR, '43200 SECOND'], [9999 * 24 * HOUR, '604800 SECOND']])('a range of %i ms is stepped by %s', (length, step) => expect(interval(0, length)).toBe(step));

test('a variable that there is not', () => {
  expect(unknownVariable('a = $service AND t = $interval', ['service'])).toBeNull();
  expect(unknownVariable('a = $servce', ['service'])).toEqual({ name: 'servce', position: 4 });
});
