import { verticalCompactor } from 'react-grid-layout/core';
import { describe, expect, test } from 'vitest';
import { below, COLUMNS, compacted, inReadingOrder, moved, overlaps, placeWords, resized, type Placed, type Step } from './layout';

const panel = (id: string, x: number, y: number, w: number, h: number): Placed => ({ id, position: { x, y, w, h } });
const drawn = (panels: readonly Placed[]) => inReadingOrder(panels).map(({ id, position: { x, y, w, h } }) => `${id} ${x},${y} ${w}×${h}`);

/** Repeatable numbers below `below`. */
function numbers(seed: number): (below: number) => number {
  let state = seed;
  return (below) => (state = (state * 48_271) % 2_147_483_647) % below;
}

function someLayout(next: (below: number) => number): Placed[] {
  return Array.from({ length: 2 + next(9) }, (_, i) => {
    const w = 1 + next(COLUMNS);
    return panel(`p${i}`, next(COLUMNS - w + 1), next(20), w, 1 + next(6));
  });
}

const isSound = (panels: readonly Placed[]) =>
  panels.every(({ position: { x, y, w, h } }) => x >= 0 && y >= 0 && w >= 1 && h >= 1 && x + w <= COLUMNS) &&
  panels.every((a, i) => panels.every((b, j) => i === j || !overlaps(a.position, b.position)));

describe('compacted', () => {
  test('pulls panels upwards', () => {
    expect(drawn(compacted([panel('a', 0, 5, 6, 4), panel('b', 0, 20, 12, 2), panel('c', 6, 0, 6, 2)]))).toEqual(['a 0,0 6×4', 'c 6,0 6×2', 'b 0,4 12×2']);
  });

  test('is what the editing grid makes of layouts without overlaps', () => {
    for (let seed = 1; seed <= 200; seed++) {
      const panels = compacted(someLayout(numbers(seed))).map((each, i) => ({ ...each, position: { ...each.position, y: each.position.y * 2 + (i % 2) } }));
      const apart = panels.filter((each, i) => !panels.slice(0, i).some((other) => overlaps(other.position, each.position)));
      const theirs = verticalCompactor.compact(apart.map(({ id, position }) => ({ i: id, ...position })), COLUMNS);
      const expected = theirs.map(({ i, x, y, w, h }) => panel(i, x, y, w, h));
      expect(drawn(compacted(apart))).toEqual(drawn(expected));
    }
  });

  test('leaves no overlap, whatever it is given, and has nothing more to do', () => {
    for (let seed = 1; seed <= 200; seed++) {
      const once = compacted(someLayout(numbers(seed)));
      expect(isSound(once)).toBe(true);
      expect(drawn(compacted(once))).toEqual(drawn(once));
    }
  });
});

describe('moved', () => {
  const two = [panel('a', 0, 0, 6, 4), panel('b', 6, 0, 6, 4), panel('c', 0, 4, 12, 3)];

  test.each<[string, Step, string[]]>([
    ['a', 'down', ['b 6,0 6×4', 'c 0,4 12×3', 'a 0,7 6×4']],
    ['c', 'up', ['c 0,0 12×3', 'a 0,3 6×4', 'b 6,3 6×4']],
    ['a', 'right', ['a 1,0 6×4', 'b 6,4 6×4', 'c 0,8 12×3']],
    ['a', 'left', drawn(two)],
    ['c', 'down', drawn(two)],
    ['b', 'right', drawn(two)],
    ['b', 'up', drawn(two)],
  ])('%s %s', (id, step, expected) => expect(drawn(moved(two, id, step))).toEqual(expected));

  test('always ends without overlaps, and up undoes what down did when two panels change places', () => {
    const stack = [panel('a', 0, 0, 12, 2), panel('b', 0, 2, 12, 5)];
    expect(drawn(moved(moved(stack, 'a', 'down'), 'a', 'up'))).toEqual(drawn(stack));
    for (let seed = 1; seed <= 200; seed++) {
      const next = numbers(seed);
      let panels: readonly Placed[] = compacted(someLayout(next));
      for (let i = 0; i < 20; i++) {
        const id = panels[next(panels.length)]!.id, step = (['left', 'right', 'up', 'down'] as const)[next(4)]!;
        panels = next(2) === 0 ? moved(panels, id, step) : resized(panels, id, step);
        expect(isSound(panels)).toBe(true);
        expect(drawn(compacted(panels))).toEqual(drawn(panels));
      }
    }
  });

  test('down goes all the way to the bottom, step by step', () => {
    let panels: readonly Placed[] = [panel('a', 0, 0, 12, 2), panel('b', 0, 2, 12, 5), panel('c', 0, 7, 12, 1)];
    panels = moved(panels, 'a', 'down');
    expect(inReadingOrder(panels).map(({ id }) => id)).toEqual(['b', 'a', 'c']);
    panels = moved(panels, 'a', 'down');
    expect(inReadingOrder(panels).map(({ id }) => id)).toEqual(['b', 'c', 'a']);
  });
});

describe('resized', () => {
  const pair = [panel('a', 0, 0, 6, 4), panel('b', 6, 0, 6, 4)];
  test.each<[string, Step, string[]]>([
    ['a', 'right', ['a 0,0 7×4', 'b 6,4 6×4']],
    ['a', 'down', ['a 0,0 6×5', 'b 6,0 6×4']],
    ['a', 'left', ['a 0,0 5×4', 'b 6,0 6×4']],
    ['b', 'right', drawn(pair)],
  ])('%s %s', (id, step, expected) => expect(drawn(resized(pair, id, step))).toEqual(expected));

  test('not below two by two', () => {
    const small = [panel('a', 0, 0, 2, 2)];
    expect(drawn(resized(small, 'a', 'left'))).toEqual(drawn(small));
    expect(drawn(resized(small, 'a', 'up'))).toEqual(drawn(small));
  });
});

test('a new panel goes below all others', () => {
  expect(below([])).toEqual({ x: 0, y: 0, w: 6, h: 6 });
  expect(below([panel('a', 3, 2, 3, 4)])).toEqual({ x: 0, y: 6, w: 6, h: 6 });
});

test('places are said from one', () => expect(placeWords({ x: 0, y: 4, w: 6, h: 3 })).toBe('column 1, row 5, 6 wide, 3 high'));
