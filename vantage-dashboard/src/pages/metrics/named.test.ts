import { describe, expect, it } from 'vitest';
import { compact, drawnKeys, formatOf, namedSeries } from './named';

const answered = {
  start: 500, end: 3000, step_s: 1,
  series: [
    { group: { region: 'eu', pod: '' }, points: [[0, 8], [1000, 4], [2000, 2]] as const },
    { group: { region: 'us', pod: 'a|b' }, points: [[0, 1], [1000, 3], [2000, null]] as const },
  ],
};

it('names series by their groups and puts the greatest first', () => {
  const series = namedSeries(answered, 'p95', 'last', 'whole');
  expect(series.map(({ name, key, figures }) => [name, key, figures.last])).toEqual([['us · a|b', 'us|a%7Cb', 3], ['eu · (none)', 'eu|', 2]]);
  expect(namedSeries(answered, 'p95', 'max', 'whole').map(({ name }) => name)).toEqual(['eu · (none)', 'us · a|b']);
});

it('counts leave out the step that the range cuts off, quantiles do not', () => {
  expect(namedSeries(answered, 'count', 'max', '')[0]!.points).toEqual([[1000, 4], [2000, 2]]);
  expect(namedSeries(answered, 'p95', 'max', '')[0]!.points).toHaveLength(3);
  expect(namedSeries({ ...answered, step_s: 2 }, 'per_second', 'max', '')[0]!.points[0]).toEqual([1000, 2]);
});

it('is named as a whole where nothing groups it', () => {
  expect(namedSeries({ ...answered, series: [{ group: {}, points: [] }] }, 'avg', 'last', 'a.b')).toMatchObject([{ key: 'all', name: 'a.b' }]);
});

describe('drawn are', () => {
  const series = ['a', 'b', 'c'].map((key) => ({ key, name: key, points: [] }));
  it.each([[[], 2, ['a', 'b']], [['c', 'gone'], 2, ['c']], [['gone'], 5, ['a', 'b', 'c']]])('of chosen %j and top %s: %j', (only, top, keys) => {
    expect(drawnKeys(series, only, top)).toEqual(keys);
  });
});

it.each([[0, '0'], [0.000123, '1.2e-4'], [0.4251, '0.425'], [42.04, '42'], [1234.5, '1,235'], [14_230, '14.2k'], [1_610_612_736, '1.61G'], [-2.5e6, '-2.5M']])('%s is %s', (value, words) => {
  expect(compact(value)).toBe(words);
});

it('gives a unit only where it is known', () => {
  expect(formatOf('http.request.duration', 'p95')(1500)).toBe('1.5 s');
  expect(formatOf('job.duration', 'p95')(1500)).toBe('1,500');
  expect(formatOf('http.request.duration', 'count')(1500)).toBe('1,500');
  expect(formatOf('jobs', 'per_second')(2)).toBe('2/s');
});
