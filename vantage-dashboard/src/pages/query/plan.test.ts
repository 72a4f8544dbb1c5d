import { expect, test } from 'vitest';
import { expression, planLines } from './plan';

test.each([
  [{ column: 'value' }, 'value'],
  [{ call: 'quantile', args: [{ column: 'value' }], params: [0.95] }, 'quantile(0.95)(value)'],
  [{ call: '>=', args: [{ column: 'status_code' }, { literal: 500 }] }, 'status_code >= 500'],
  [{ call: 'and', args: [{ call: '=', args: [{ column: 'a' }, { literal: 'x' }] }, { call: 'or', args: [{ column: 'b' }, { column: 'c' }] }] }, 'a = "x" and (b or c)'],
  [{ call: 'time_bucket', args: [{ column: 'timestamp' }, { interval: { n: 5, unit: 'MINUTE' } }] }, 'time_bucket(timestamp, 5 MINUTE)'],
  [{ tag: { column: 'tags', key: 'region' } }, "tags['region']"],
  [{ something: 'new' }, '{"something":"new"}'],
])('%j reads %s', (value, text) => expect(expression(value)).toBe(text));

test('a plan is read clause by clause, without those it lacks', () => {
  const plan = {
    ...{ table: 'metrics', select: [{ name: 'n', expr: { call: 'count', args: [] } }], where: null, group_by: [{ column: 'service_name' }] },
    ...{ having: null, order_by: [{ expr: { output: 'n' }, descending: true }], limit: 10, offset: 0, distinct: false },
  };
  expect(planLines(plan)).toEqual([
    { clause: 'Table', text: 'metrics' },
    { clause: 'Select', text: 'count() as n' },
    { clause: 'Group by', text: 'service_name' },
    { clause: 'Order by', text: 'n descending' },
    { clause: 'Limit', text: '10' },
  ]);
});
