import { expect, it } from 'vitest';
import { keepOf } from './keepOf';

it('keeps an answer of the same service in another range, never one of another service', () => {
  const keep = keepOf('service', 'cart');
  expect(keep('answer', { queryKey: ['service', 'cart', '1h'] })).toBe('answer');
  expect(keep('answer', { queryKey: ['service', 'auth', '1h'] })).toBeUndefined();
  expect(keep('answer')).toBeUndefined();
});
