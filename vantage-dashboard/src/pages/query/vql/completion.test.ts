import { describe, expect, test } from 'vitest';
import { proposals, type Names } from './completion';

const NAMES: Names = { metrics: ['http.request.duration', "it's"], services: ['cart', 'checkout'], environments: ['production'], tagKeys: ['region'] };

/** The labels proposed at the bar in the text. */
function at(marked: string, variables: string[] = []) {
  const position = marked.indexOf('|');
  const found = proposals(marked.replace('|', ''), position, NAMES, variables);
  return found && { ...found, labels: found.options.map(({ label }) => label) };
}

describe('proposals', () => {
  test.each([
    ['|', 'SELECT'],
    ['SELECT |', 'p95()'],
    ['SELECT |', 'value'],
    ['SELECT | FROM spans', 'duration_ms'],
    ['SELECT a FROM m|', 'metrics'],
    ['SELECT a FROM metrics WHERE | ', 'metric_name'],
    ['SELECT a FROM metrics WHERE metric_name = |', "'http.request.duration'"],
    ["SELECT a FROM metrics WHERE service_name = 'ch|", "'checkout'"],
    ["SELECT a FROM metrics WHERE service_name IN ('cart', |", "'checkout'"],
    ["SELECT a FROM metrics WHERE service_name NOT IN ('cart', '|", "'checkout'"],
    ['SELECT a FROM metrics WHERE service_name NOT LIKE |', "'checkout'"],
    ["SELECT tags['|", "'region'"],
    ['SELECT a FROM metrics SINCE |', '15 MINUTES'],
    ['SELECT a FROM metrics TIMESERIES |', '1 MINUTE'],
    ['SELECT a FROM metrics gr|', 'GROUP BY'],
  ])('%s offers %s', (text, label) => expect(at(text)?.labels).toContain(label));

  test.each([
    ['SELECT a FROM logs WHERE |', 'metric_name'],
    ['SELECT a FROM metrics WHERE service_name = |', "'http.request.duration'"],
    ['SELECT a FROM |', 'WHERE'],
  ])('%s does not offer %s', (text, label) => expect(at(text)?.labels).not.toContain(label));

  test.each(['-- a comment|', 'LIMIT 10|', "a = 'closed'|", "body = 'free|"])('%s offers nothing', (text) => expect(at(text)).toBeNull());

  test('a text is replaced with both of its quotes', () => {
    expect(at("WHERE service_name = 'ch|'")).toMatchObject({ from: 21, to: 25 });
    expect(at("WHERE service_name = 'ch| AND body = 'x'")).toMatchObject({ from: 21, to: 24 });
  });

  test('names are escaped where they are written', () => {
    expect(at('WHERE metric_name = |')?.options.find(({ insert }) => insert?.includes('it'))?.insert).toBe("'it\\'s'");
  });

  test('variables of a dashboard', () => {
    expect(at('WHERE service_name = |', ['service'])?.labels).toContain('$service');
    expect(at('TIMESERIES $|', ['interval'])?.labels).toEqual(['$interval']);
    expect(at('TIMESERIES |', ['service', 'interval'])?.labels[0]).toBe('$interval');
  });
});
