import { describe, expect, it } from 'vitest';
import { moved, placed, ticksOf, windowOf, within, writeWindow, zoomed } from './timeWindow';

describe('a window of time', () => {
  it.each(['', 'x', '5', '-5-10', 'NaN-3', '1e9-2e9'])('is the whole trace for %j', (text) => {
    expect(windowOf(text, 100)).toEqual({ from: 0, to: 100 });
  });

  it('is read as it was written', () => {
    expect(windowOf('12.5-40', 100)).toEqual({ from: 12.5, to: 40 });
    expect(writeWindow(windowOf('12.5-40', 100), 100)).toBe('12.5-40');
    expect(writeWindow({ from: 0, to: 100 }, 100)).toBe('');
  });

  it('stays in the trace, the right way round and not too small', () => {
    expect(within({ from: 40, to: 12 }, 100)).toEqual({ from: 12, to: 40 });
    expect(within({ from: 90, to: 130 }, 100)).toEqual({ from: 60, to: 100 });
    expect(within({ from: 50, to: 50 }, 100).to).toBeGreaterThan(50);
    expect(within({ from: -10, to: 500 }, 100)).toEqual({ from: 0, to: 100 });
  });

  it('zooms about a point and moves', () => {
    expect(zoomed({ from: 0, to: 100 }, 0.5, 100, 0)).toEqual({ from: 0, to: 50 });
    expect(zoomed({ from: 20, to: 40 }, 0.5, 100)).toEqual({ from: 25, to: 35 });
    expect(zoomed({ from: 20, to: 40 }, 100, 100)).toEqual({ from: 0, to: 100 });
    expect(moved({ from: 20, to: 40 }, 0.5, 100)).toEqual({ from: 30, to: 50 });
    expect(moved({ from: 70, to: 90 }, 5, 100)).toEqual({ from: 80, to: 100 });
  });
});

it('places what lies in it and cuts off what does not', () => {
  const half = { from: 50, to: 100 };
  expect(placed(60, 10, half)).toEqual({ left: 20, width: 20 });
  expect(placed(0, 75, half)).toEqual({ left: 0, width: 50 });
  expect(placed(0, 40, half)).toBeNull();
  expect(placed(101, 1, half)).toBeNull();
});

it('has round ticks', () => {
  expect(ticksOf({ from: 0, to: 100 })).toEqual([0, 20, 40, 60, 80, 100]);
  expect(ticksOf({ from: 3, to: 11 })).toEqual([4, 6, 8, 10]);
  expect(ticksOf({ from: 0, to: 0.001 }).length).toBeLessThan(12);
});
