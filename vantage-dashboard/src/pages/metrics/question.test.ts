import { describe, expect, it } from 'vitest';
import { defaultAggregation, readQuestion, writeQuestion, type Question } from './question';

const read = (text: string) => readQuestion(new URLSearchParams(text));

it('an empty address asks for the requests of all services', () => {
  expect(read('')).toEqual({ metric: 'http.request.duration', services: [], aggregation: null, groupBy: [], tags: [], step: null, kind: 'line', top: 8, rank: 'last', only: [], exemplars: true } satisfies Question);
});

it('says the same after it was written into an address', () => {
  const question: Question = { metric: 'a.b', services: ['x,y', 'z'], aggregation: 'per_second', groupBy: ['region', 'a:b'], tags: [{ key: 'url', value: 'http://x?a=1&b=2' }, { key: 'empty', value: '' }], step: 30, kind: 'area', top: 16, rank: 'max', only: ['eu|1'], exemplars: false };
  expect(readQuestion(writeQuestion(new URLSearchParams('env=dev&range=6h'), question))).toEqual(question);
});

it('keeps what else is in the address', () => {
  expect(writeQuestion(new URLSearchParams('env=dev&range=6h&step=5'), { step: 'fine' }).toString()).toBe('env=dev&range=6h&metric=http.request.duration&step=fine');
});

describe('nonsense', () => {
  it.each(['step=-1', 'step=1.5', 'step=x', 'kind=pie', 'agg=mean', 'top=7', 'rank=first', 'service=', 'by=', 'tag=nokey', 'tag=:value'])('%s is as nothing', (text) => {
    expect(read(text)).toEqual(read(''));
  });
  it('more than the API takes is cut', () => {
    expect(read(Array.from({ length: 60 }, (_, i) => `service=s${i}`).join('&')).services).toHaveLength(50);
  });
});

it.each([['histogram', 'p95'], ['counter', 'rate'], ['gauge', 'avg'], [undefined, 'avg']])('of a %s it asks for %s', (type, aggregation) => {
  expect(defaultAggregation(type)).toBe(aggregation);
});
