import { expect, it } from 'vitest';
import { icicle } from './flame';
import type { Span } from './spans';
import { FAMILY, span } from './testSpans';

const rows = (spans: readonly Span[]) => icicle(spans).map((block) => `${block.span.span_id}:${block.row}`).join(' ');

it('stands children below their parent', () => {
  expect(rows(FAMILY)).toBe('root:0 a:1 a1:2 a2:2 b:1 b1:2');
});

it('stands what ran at the same time below each other', () => {
  expect(rows([span('root', 0, 0, 100), span('a', 1, 10, 50), span('b', 1, 20, 50), span('c', 1, 80, 10)])).toBe('root:0 a:1 b:2 c:1');
});

it('keeps a child below its parent even when its clock says it was earlier', () => {
  expect(rows([span('root', 0, 10, 90), span('early', 1, 0, 5)])).toBe('root:0 early:1');
});

it('never draws one over another', () => {
  const spans = [span('root', 0, 0, 1000)];
  for (let i = 0; i < 300; i++) spans.push(span(`s${i}`, 1 + (i % 4), (i * 37) % 900, 20 + ((i * 53) % 80)));
  const blocks = icicle(spans);
  for (const [i, one] of blocks.entries())
    for (const other of blocks.slice(i + 1))
      if (one.row === other.row) {
        const apart = one.span.offset + one.span.duration <= other.span.offset || other.span.offset + other.span.duration <= one.span.offset;
        expect(apart, `${one.span.span_id} and ${other.span.span_id}`).toBe(true);
      }
});
