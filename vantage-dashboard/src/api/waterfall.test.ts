import { expect, it } from 'vitest';
import type { Api } from './types';
import { waterfall } from './waterfall';

const span = (span_id: string, parent_span_id: string, start: number, duration: number): Api<'TraceSpan'> => ({
  trace_id: 't', span_id, parent_span_id, service: 's', name: span_id, kind: 'server', start, duration, status: 'ok', attributes: {},
});

it('puts children under their parent, by start', () => {
  const rows = waterfall([span('late', 'root', 60, 20), span('root', '', 0, 100), span('early', 'root', 10, 30), span('leaf', 'early', 12, 5)]);
  expect(rows.map((row) => [row.span.name, row.depth])).toEqual([['root', 0], ['early', 1], ['leaf', 2], ['late', 1]]);
  expect(rows[3]).toMatchObject({ offset: 0.6, width: 0.2 });
});

it('shows a span whose parent was lost at the top', () => {
  expect(waterfall([span('orphan', 'gone', 5, 1)])).toMatchObject([{ depth: 0, offset: 0, width: 1 }]);
});

it('has no rows for no spans', () => {
  expect(waterfall([])).toEqual([]);
});
