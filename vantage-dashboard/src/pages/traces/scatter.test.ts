import { expect, it } from 'vitest';
import { joined, nearest, plot, spanBetween, type Found } from './scatter';

const found = (trace_id: string, start: number, duration: number): Found => ({ trace_id, service: 's', name: 'n', start, duration, span_count: 1, error_count: 0, services: ['s'] });
const frame = { start: 1000, end: 2000, width: 100, height: 60 };

it('places by time and by the logarithm of the duration', () => {
  const { dots, lines } = plot([found('slow', 1500, 100), found('fast', 1000, 1), found('middle', 2000, 10)], frame);
  expect(dots.map(({ trace, x, y }) => [trace.trace_id, x, y])).toEqual([['fast', 0, 60], ['slow', 50, 0], ['middle', 100, 30]]);
  expect(lines).toEqual([{ ms: 1, y: 60 }, { ms: 10, y: 30 }, { ms: 100, y: 0 }]);
});

it('leaves out what is not of the range, and bears zeros and nothing', () => {
  expect(plot([found('before', 900, 1)], frame)).toEqual({ dots: [], lines: [] });
  expect(plot([], frame).dots).toEqual([]);
  for (const { y } of plot([found('zero', 1500, 0)], frame).dots) expect(y).toBeGreaterThanOrEqual(0);
});

it('counts a trace once', () => {
  expect(joined([found('a', 1, 1)], [found('a', 1, 1), found('b', 1, 1)]).map(({ trace_id }) => trace_id)).toEqual(['a', 'b']);
});

it('turns a drag into a span of time, either way', () => {
  expect(spanBetween(75, 25, frame)).toEqual({ start: 1250, end: 1750 });
  expect(spanBetween(-20, 500, frame)).toEqual({ start: 1000, end: 2000 });
  expect(spanBetween(10, 10, frame)).toEqual({ start: 1100, end: 1101 });
});

it('finds the dot that is pointed at', () => {
  const { dots } = plot([found('slow', 1500, 100), found('fast', 1000, 1)], frame);
  expect([nearest(dots, 52, 3, 12), nearest(dots, 1, 58, 12), nearest(dots, 25, 30, 12)]).toEqual([1, 0, -1]);
});
