// @vitest-environment happy-dom
import { cleanup, fireEvent, render, screen } from '@testing-library/react';
import { afterEach, expect, it, vi } from 'vitest';
import { SuggestField, type SuggestFieldProps } from './SuggestField';

afterEach(cleanup);

function field(props: Partial<SuggestFieldProps> = {}) {
  const onChoose = vi.fn();
  render(<SuggestField label="Service" value="" suggestions={['auth', 'cart', 'cart-db'].map((value) => ({ value }))} onChoose={onChoose} {...props} />);
  const input = screen.getByRole<HTMLInputElement>('combobox');
  const press = (...keys: string[]) => { for (const key of keys) fireEvent.keyDown(input, { key }); };
  const type = (text: string) => fireEvent.change(input, { target: { value: text } });
  return { input, onChoose, press, type };
}

it('arrows mark a suggestion, and Enter takes it', () => {
  const { input, onChoose, press, type } = field();
  type('cart');
  press('ArrowDown', 'ArrowDown');
  expect(document.getElementById(input.getAttribute('aria-activedescendant')!)?.textContent).toBe('cart-db');
  press('Enter');
  expect(onChoose.mock.calls).toEqual([['cart-db']]);
  expect(input.getAttribute('aria-expanded')).toBe('false');
});

it('goes round at the ends', () => {
  const { onChoose, press } = field();
  press('ArrowDown', 'ArrowUp', 'Enter');
  expect(onChoose.mock.calls).toEqual([['cart-db']]);
});

it('Escape leaves it as it was', () => {
  const { input, onChoose, press, type } = field({ value: 'auth' });
  type('xyz');
  press('Escape');
  expect(input.value).toBe('auth');
  expect(onChoose).not.toHaveBeenCalled();
});

it('Enter takes the first that fits, and leaving takes nothing but a whole name', () => {
  const { input, onChoose, press, type } = field();
  type('car');
  fireEvent.blur(input);
  expect(onChoose).not.toHaveBeenCalled();
  type('cart');
  fireEvent.blur(input);
  type('car');
  press('Enter');
  expect(onChoose.mock.calls).toEqual([['cart'], ['cart']]);
});

it('takes any text where that is allowed, but a list no half of one that is left behind', () => {
  const free = field({ free: true });
  free.type('other');
  free.press('Enter');
  expect(free.onChoose.mock.calls).toEqual([['other']]);
  cleanup();
  const list = field({ free: true, clears: true });
  list.type('oth');
  fireEvent.blur(list.input);
  expect(list.onChoose).not.toHaveBeenCalled();
});

it('an emptied field chooses nothing', () => {
  const { input, onChoose, type } = field({ value: 'auth' });
  type('');
  fireEvent.blur(input);
  expect(onChoose.mock.calls).toEqual([['']]);
});
