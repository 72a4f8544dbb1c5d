import { describe, expect, it } from 'vitest';
import { ancestorIds, criticalSteps, familyOf, lengthOf, parentRow, visibleSpans, workOf } from './spans';
import { FAMILY, span, trace } from './testSpans';

const names = (spans: readonly { span_id: string }[]) => spans.map(({ span_id }) => span_id).join(' ');

describe('rows', () => {
  it('leave out what stands below a collapsed one, and only that', () => {
    expect(names(visibleSpans(FAMILY, new Set()))).toBe('root a a1 a2 b b1');
    expect(names(visibleSpans(FAMILY, new Set(['a'])))).toBe('root a b b1');
    expect(names(visibleSpans(FAMILY, new Set(['a', 'b'])))).toBe('root a b');
    expect(names(visibleSpans(FAMILY, new Set(['root', 'a'])))).toBe('root');
  });

  it('know what they stand under', () => {
    expect([0, 1, 2, 3, 4, 5].map((index) => parentRow(FAMILY, index))).toEqual([-1, 0, 1, 1, 0, 4]);
  });
});

it('a span has a family', () => {
  const { above, family } = familyOf(FAMILY, 'a')!;
  expect([names(above), names(family)]).toEqual(['root', 'a a1 a2']);
  expect(ancestorIds(FAMILY, 'b1')).toEqual(['root', 'b']);
  expect(familyOf(FAMILY, 'gone')).toBeNull();
});

it('steps of the critical path belong to their spans', () => {
  const step = (span_id: string, offset: number) => ({ span_id, service: 'shop', name: span_id, offset, duration: 1 });
  const steps = criticalSteps(trace(FAMILY, { critical_path: [step('root', 0), step('a', 10), step('root', 50)] }));
  expect(steps.get('root')?.map(({ offset }) => offset)).toEqual([0, 50]);
  expect(steps.has('b')).toBe(false);
});

it('adds up the work by service and name', () => {
  const spans = [span('x', 0, 0, 10, { name: 'get', self_ms: 4, status: 'error' }), span('y', 1, 0, 30, { name: 'get', critical_ms: 2 }), span('z', 1, 0, 1, { name: 'get', service: 'stock' })];
  expect(workOf(spans)).toMatchObject([{ service: 'shop', calls: 2, errors: 1, total_ms: 40, self_ms: 34, critical_ms: 2, max_ms: 30 }, { service: 'stock', calls: 1 }]);
});

it('a trace is as long as its last span', () => {
  expect(lengthOf(trace([span('late', 0, 90, 40)]))).toBe(130);
});
