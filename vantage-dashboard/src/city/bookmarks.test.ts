import { describe, expect, it } from 'vitest';
import { parseBookmarks, toBookmarkKey, type Bookmark } from './bookmarks';

const harbour: Bookmark = { name: 'harbour', pose: { target: { x: 1, y: 0, z: 2 }, yaw: 3, pitch: 0.8, distance: 40 } };

describe('parseBookmarks', () => {
  it('reads what was kept', () => {
    expect(parseBookmarks(JSON.stringify({ 1: harbour, 9: harbour }))).toEqual({ 1: harbour, 9: harbour });
  });

  it.each([
    ['nothing kept', null],
    ['no JSON', '{'],
    ['a list of nothing', '[]'],
    ['null', 'null'],
    ['a key there is none of', JSON.stringify({ 0: harbour, 10: harbour, x: harbour })],
    ['no pose', '{"1":{"name":"a"}}'],
    ['a pose that is null', '{"1":{"name":"a","pose":null}}'],
    ['a target that is missing', JSON.stringify({ 1: { ...harbour, pose: { ...harbour.pose, target: undefined } } })],
    ['a number that is none', JSON.stringify({ 1: { ...harbour, pose: { ...harbour.pose, yaw: 'north' } } })],
    ['a distance of nothing', JSON.stringify({ 1: { ...harbour, pose: { ...harbour.pose, distance: 0 } } })],
    ['a name that is none', JSON.stringify({ 1: { ...harbour, name: 7 } })],
  ])('makes no places of %s', (_what, text) => {
    expect(parseBookmarks(text)).toEqual({});
  });

  it('shortens an endless name', () => {
    expect(parseBookmarks(JSON.stringify({ 2: { ...harbour, name: 'x'.repeat(10_000) } }))[2]?.name).toHaveLength(80);
  });
});

it.each([[1, 1], [9, 9], [0, undefined], [10, undefined], [NaN, undefined], [1.5, undefined]])('toBookmarkKey(%d) is %s', (value, key) => {
  expect(toBookmarkKey(value)).toBe(key);
});
