import { describe, expect, it } from 'vitest';
import type { LogLine } from '../../stream/logs';
import { countsVql, isOfTrace, lineName, merged, queryOf, streamFilterOf, toggled, wantedOf } from './filter';

const of = (text: string) => wantedOf(new URLSearchParams(text));
const line = (body: string, more: Partial<LogLine> = {}): LogLine => ({ timestamp: 1000, service_name: 'shop', severity: 'INFO', body, attributes: {}, trace_id: null, span_id: null, ...more });

describe('what is wanted', () => {
  it('is everything without an address, and else what it says', () => {
    expect(queryOf(of(''))).toEqual({});
    expect(queryOf(of('service=pay&env=prod&severity=error,fatal,loud&text=timeout&trace=abc'))).toEqual({ service: 'pay', environment: 'prod', severity: 'FATAL,ERROR', text: 'timeout', trace_id: 'abc' });
    expect(streamFilterOf(of('service=pay&env=prod&severity=ERROR&text=x'))).toEqual({ services: ['pay'], environments: ['prod'], severities: ['ERROR'], text: 'x' });
    expect(streamFilterOf(of(''))).toEqual({});
  });

  it('severities go on and off; all of them are none', () => {
    expect(toggled([], 'ERROR')).toBe('ERROR');
    expect(toggled(['ERROR'], 'FATAL')).toBe('FATAL,ERROR');
    expect(toggled(['ERROR'], 'ERROR')).toBe('');
    expect(toggled(['FATAL', 'ERROR', 'WARN', 'INFO', 'DEBUG'], 'TRACE')).toBe('');
  });

  it('a live line of another trace is left out', () => {
    expect([isOfTrace(line(''), ''), isOfTrace(line('', { trace_id: 't' }), 't'), isOfTrace(line(''), 't')]).toEqual([true, true, false]);
  });
});

it('counts are asked for by VQL, in which a text stays a text', () => {
  expect(countsVql(of('severity=ERROR'), 1, 2, 60)).toBe('SELECT severity, count() FROM logs SINCE 1 UNTIL 2 GROUP BY severity TIMESERIES 60 SECONDS LIMIT 10000');
  expect(countsVql(of(`service=o'hare&text=${encodeURIComponent("100% it's_\\")}`), 1, 2, 60)).toContain(`WHERE service_name = 'o''hare' AND body ILIKE '%100\\% it''s\\_\\\\%'`);
});

describe('lines', () => {
  it('have names that tell them apart', () => {
    expect(lineName(line('a'))).toBe(lineName(line('a', { span_id: '' })));
    expect(new Set([line('a'), line('b'), line('a', { service_name: 'x' }), line('a', { timestamp: 1001 }), line('x'.repeat(300)), line('x'.repeat(301))].map(lineName)).size).toBe(6);
  });

  it('come once though they came by both ways, newest first', () => {
    const rows = merged([line('1'), line('2'), line('3')], [line('1'), line('0')]);
    expect(rows.map((row) => row.line.body)).toEqual(['3', '2', '1', '0']);
  });

  it('stand by time, whenever they arrived', () => {
    const rows = merged([line('b', { timestamp: 1002 }), line('a', { timestamp: 1001 })], [line('s')]);
    expect(rows.map((row) => row.line.body)).toEqual(['b', 'a', 's']);
  });

  it('that are equal are kept apart', () => {
    expect(new Set(merged([], [line('a'), line('a'), line('a')]).map((row) => row.name)).size).toBe(3);
  });
});
