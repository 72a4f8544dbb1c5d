import { expect, it } from 'vitest';
import { MAX_LINES, type LogBatch, type LogLine } from '../../stream/logs';
import { EMPTY_TAIL, received, released } from './tail';

const line = (body: string): LogLine => ({ timestamp: 0, service_name: 's', severity: 'INFO', body, attributes: {}, trace_id: null, span_id: null });
const batch = (...bodies: string[]): LogBatch => ({ lines: bodies.map(line), dropped: 0 });
const bodies = ({ lines }: { lines: readonly LogLine[] }) => lines.map(({ body }) => body).join(' ');

it('a held list stays as it is, and nothing is lost', () => {
  const held = received(received(EMPTY_TAIL, batch('a'), false), batch('b', 'c'), true);
  expect([bodies(held.shown), bodies(held.waiting)]).toEqual(['a', 'b c']);
  const free = released(held);
  expect([bodies(free.shown), free.waiting.lines.length]).toEqual(['a b c', 0]);
  expect(bodies(received(held, batch('d'), false).shown)).toBe('a b c d');
  expect(new Set(free.shown.lines.map(({ key }) => key)).size).toBe(3);
});

it('counts what the server left out, and is bounded', () => {
  const many = received(EMPTY_TAIL, { ...batch(...Array.from({ length: MAX_LINES + 5 }, (_, i) => `${i}`)), dropped: 7 }, true);
  expect(many.waiting.lines).toHaveLength(MAX_LINES);
  expect(released(many).shown.dropped).toBe(7);
});
