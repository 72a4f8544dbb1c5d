import { expect, test } from 'vitest';
import { UNIT_WORDS, unitFormat, UNITS } from './units';

test.each([
  ['ms', 61.7412, '62 ms'],
  ['ms', 1500, '1.5 s'],
  ['s', 0.25, '250 ms'],
  ['%', 12.5, '13%'],
  ['ratio', 0.002, '0.20%'],
  ['bytes', 512, '512 B'],
  ['bytes', 2_500_000, '2.5MB'],
  ['/s', 12, '12/s'],
  ['pods', 3, '3 pods'],
  ['', 295_232, '295K'],
  ['', 0, '0'],
  ['', 3.14159, '3.14'],
  ['', 0.00012, '0.00012'],
  [undefined, 1234.5, '1,235'],
  [7, 7, '7'],
])('%j of %d is %s', (unit, value, text) => expect(unitFormat(unit)(value)).toBe(text));

test('every unit that is offered has a word', () => expect(Object.keys(UNIT_WORDS)).toEqual([...UNITS]));
