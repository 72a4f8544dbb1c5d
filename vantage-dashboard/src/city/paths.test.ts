import { describe, expect, it } from 'vitest';
import type { Edge } from '../world/model';
import { callPaths, edgeWeight } from './paths';

/** "a>b": a calls b; ">b": requests from outside reach b. Slots are letters. */
const slot = (letter: string): number => letter.charCodeAt(0) - 97;
const graph = (text: string): Edge[] =>
  text.split(' ').map((call, id) => {
    const [from, to] = call.split('>') as [string, string];
    return { id, from: from === '' ? null : slot(from), to: slot(to) };
  });
const hops = (text: string): Map<number, number> => new Map(text.split(' ').filter(Boolean).map((entry) => [slot(entry[0]!), Number(entry.slice(1))]));

describe('callPaths', () => {
  it.each([
    ['a chain, its middle', '>a a>b b>c c>d', 'b', 'a1', 'c1 d2', 2],
    ['a chain, its head', '>a a>b b>c', 'a', '', 'b1 c2', 1],
    ['the shorter of two ways', 'a>b b>c a>c c>d', 'a', '', 'b1 c1 d2', null],
    ['a diamond, its foot', 'a>b a>c b>d c>d', 'd', 'b1 c1 a2', '', null],
    ['a ring: both sides, never itself', 'a>b b>c c>a', 'a', 'c1 b2', 'b1 c2', null],
    ['a call of itself', 'a>a a>b', 'a', '', 'b1', null],
    ['siblings of one caller are not on the way', 'a>b a>c', 'b', 'a1', '', null],
    ['a service nobody calls', 'a>b', 'z', '', '', null],
    ['the nearest door counts', '>a a>b b>c >b', 'c', 'b1 a2', '', 2],
  ])('%s', (_case, text, of, upstream, downstream, ingressHops) => {
    expect(callPaths(graph(text), slot(of))).toEqual({ upstream: hops(upstream), downstream: hops(downstream), ingressHops });
  });

  it('goes through a chain of ten thousand calls', () => {
    const chain = Array.from({ length: 10_000 }, (_, id) => ({ id, from: id, to: id + 1 }));
    expect(callPaths(chain, 0).downstream.get(10_000)).toBe(10_000);
  });
});

describe('edgeWeight', () => {
  const signs = (text: string, of: string) => {
    const edges = graph(text), paths = callPaths(edges, slot(of));
    return edges.map((edge) => Math.sign(edgeWeight(edge, slot(of), paths)));
  };

  it.each([
    ['tells the way to it from the way from it', '>a a>b b>c c>d', 'b', [-1, -1, 1, 1]],
    ['leaves out what only shares a caller', 'a>b a>c c>d', 'b', [-1, 0, 0]],
    ['leaves out who only calls the same service', 'a>b x>c b>c', 'b', [-1, 0, 1]],
    ['keeps every call of a ring', 'a>b b>c c>a', 'a', [1, 1, -1]],
  ])('%s', (_case, text, of, expected) => {
    expect(signs(text, of)).toEqual(expected);
  });

  it('is stronger near the service', () => {
    const edges = graph('a>b b>c'), paths = callPaths(edges, slot('a'));
    expect(edgeWeight(edges[0]!, slot('a'), paths)).toBeGreaterThan(edgeWeight(edges[1]!, slot('a'), paths));
  });
});
