import { expect, it } from 'vitest';
import { matching } from './suggest';

const names = ['inventory', 'cart', 'cart-db', 'Recart'].map((value) => ({ value }));
const found = (typed: string) => matching(names, typed).map(({ value }) => value);

it('finds the text anywhere and in any case, beginnings first', () => {
  expect(found('CART')).toEqual(['cart', 'cart-db', 'Recart']);
  expect(found(' ')).toEqual(['inventory', 'cart', 'cart-db', 'Recart']);
  expect(found('x')).toEqual([]);
});

it('searches what is shown', () => {
  expect(matching([{ value: 'a', text: 'Alpha (a)' }], 'alp')).toHaveLength(1);
});

it('offers no more than a list can show', () => {
  expect(matching(Array.from({ length: 10_000 }, (_, i) => ({ value: `s${i}` })), 's')).toHaveLength(50);
});
