import { describe, expect, it } from 'vitest';
import { factorWords, sumOf } from './health';

const factor = (score: number | null, weight: number, state: 'ok' | 'learning' | 'no_data' = 'ok') => ({ score, weight, state, value: 0 });

it('adds up the factors that count', () => {
  const factors = { error_rate: factor(62, 2 / 3), availability: factor(100, 1 / 3), response_time: factor(null, 0, 'learning'), request_rate: factor(null, 0, 'learning') };
  expect(sumOf(factors)?.text).toBe('0.67 × 62 + 0.33 × 100 = 75');
});

it('has no sum where nothing counts', () => {
  const none = factor(null, 0, 'no_data');
  expect(sumOf({ error_rate: none, availability: none, response_time: none, request_rate: none })).toBeNull();
});

describe('a factor', () => {
  it.each([[factor(61.6, 1), '62'], [factor(null, 0, 'learning'), 'learning'], [factor(null, 0, 'no_data'), 'no data']])('%j says %s', (given, words) => {
    expect(factorWords(given)).toBe(words);
  });
});
