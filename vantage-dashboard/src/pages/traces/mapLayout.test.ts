import { describe, expect, it } from 'vitest';
import { layered, NODE_HEIGHT, NODE_WIDTH, pathThrough, type Call, type Layout } from './mapLayout';

const call = (text: string): Call => ({ caller: text[0]!, callee: text[1]! });
const of = (ids: string, ...calls: string[]) => layered(ids.split(' '), calls.map(call));
const column = ({ nodes }: Layout, id: string) => nodes.get(id)!.x;

describe('layers', () => {
  it('stand callers left of callees, as far as their longest way', () => {
    const layout = of('a b c d', 'ab', 'bc', 'ac', 'cd');
    const columns = ['a', 'b', 'c', 'd'].map((id) => column(layout, id));
    expect(columns).toEqual([...new Set(columns)].sort((x, y) => x - y));
  });

  it('end though calls lead in circles, and keep the entry on the left', () => {
    const layout = of('c b a e', 'ea', 'ab', 'bc', 'ca', 'bb');
    const columns = ['e', 'a', 'b', 'c'].map((id) => column(layout, id));
    expect(columns).toEqual([...new Set(columns)].sort((x, y) => x - y));
    expect(of('a b', 'ab', 'ba').nodes.size).toBe(2);
  });

  it('take nodes without calls, calls without nodes, and nothing', () => {
    expect(of('a').nodes.get('a')).toEqual({ x: 0, y: 0 });
    expect(of('a', 'az').lines).toEqual([[]]);
    expect(layered([], [])).toMatchObject({ lines: [], height: 0 });
  });

  it('bear a long chain', () => {
    const ids = Array.from({ length: 3000 }, (_, i) => `n${i}`);
    const chain = ids.slice(1).map((callee, i) => ({ caller: ids[i]!, callee }));
    expect(layered(ids, chain).nodes.size).toBe(3000);
  });
});

const overlaps = ({ nodes }: Layout) => {
  const placed = [...nodes.values()];
  return placed.some((one, i) => placed.slice(i + 1).some((other) => Math.abs(one.x - other.x) < NODE_WIDTH && Math.abs(one.y - other.y) < NODE_HEIGHT));
};

it('stands no node over another, and all in the picture', () => {
  const ids = Array.from({ length: 20 }, (_, i) => `n${i}`);
  const calls = ids.flatMap((caller, i) => [ids[(i * 7 + 3) % 20]!, ids[(i * 3 + 1) % 20]!].map((callee) => ({ caller, callee })));
  const layout = layered(ids, calls);
  expect(overlaps(layout)).toBe(false);
  for (const { x, y } of layout.nodes.values()) expect(x >= 0 && y >= 0 && x + NODE_WIDTH <= layout.width && y + NODE_HEIGHT <= layout.height).toBe(true);
});

it('untangles what crosses for no reason', () => {
  const { nodes } = of('a b x y', 'ay', 'bx');
  expect(Math.sign(nodes.get('a')!.y - nodes.get('b')!.y)).toBe(Math.sign(nodes.get('y')!.y - nodes.get('x')!.y));
});

it('draws lines from the caller to the callee, around what lies between', () => {
  const { nodes, lines } = of('a b c', 'ab', 'bc', 'ac');
  const long = lines[2]!;
  expect(long[0]).toEqual({ x: nodes.get('a')!.x + NODE_WIDTH, y: nodes.get('a')!.y + NODE_HEIGHT / 2 });
  expect(long.at(-1)!.x).toBe(nodes.get('c')!.x);
  const between = long[1]!, b = nodes.get('b')!;
  expect(between.y < b.y || between.y > b.y + NODE_HEIGHT).toBe(true);
});

it('writes a path that is level at its ends', () => {
  expect(pathThrough([{ x: 0, y: 0 }, { x: 100, y: 40 }])).toBe('M0,0C50,0 50,40 100,40');
  expect(pathThrough([])).toBe('');
});
