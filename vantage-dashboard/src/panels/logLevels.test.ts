import { describe, expect, it } from 'vitest';
import { levelOf, matchesLine } from './logLevels';

describe('levelOf', () => {
  it.each([['ERROR', 'ERROR'], ['error', 'ERROR'], ['WARNING', 'WARN'], ['CRITICAL', 'FATAL'], ['FATAL2', 'FATAL'], ['notice', 'INFO'], ['', 'INFO'], ['DEBUG3', 'DEBUG']])('%j → %s', (severity, word) => {
    expect(levelOf(severity).word).toBe(word);
  });
});

describe('matchesLine', () => {
  const line = { timestamp: 0, service_name: 'checkout-api', severity: 'WARN', body: 'Slow query', attributes: {}, trace_id: null, span_id: null };
  it.each([
    [{ level: 'ALL', service: '', text: '' }, true],
    [{ level: 'WARN', service: 'CHECK', text: 'slow' }, true],
    [{ level: 'ERROR', service: '', text: '' }, false],
    [{ level: 'ALL', service: 'search', text: '' }, false],
    [{ level: 'ALL', service: '', text: 'fast' }, false],
  ] as const)('%j → %s', (filter, matches) => {
    expect(matchesLine(line, filter)).toBe(matches);
  });
});
