import { expect, it } from 'vitest';
import { span } from './testSpans';
import { traceMap } from './traceMap';

it('calls go from service to service, own spans count for none', () => {
  const { nodes, calls } = traceMap([
    span('root', 0, 0, 100, { service: 'gate' }),
    span('a', 1, 0, 30, { service: 'shop', parent_span_id: 'root', status: 'error' }),
    span('inner', 2, 0, 10, { service: 'shop', parent_span_id: 'a' }),
    span('b', 1, 40, 50, { service: 'shop', parent_span_id: 'root' }),
    span('lost', 0, 40, 50, { service: 'stock', parent_span_id: 'gone' }),
  ]);
  expect(nodes.map(({ id, spans, errors }) => [id, spans, errors])).toEqual([['gate', 1, 0], ['shop', 3, 1], ['stock', 1, 0]]);
  expect(calls).toEqual([{ caller: 'gate', callee: 'shop', count: 2, errors: 1, max_ms: 50 }]);
});
