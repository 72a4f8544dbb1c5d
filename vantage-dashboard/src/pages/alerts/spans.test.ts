import { expect, it } from 'vitest';
import { ageWords, secondsOf, spanText, spanWords } from './spans';

it.each([['90', 90], ['90s', 90], ['5m', 300], ['5 min', 300], ['1h 30m', 5400], ['1.5h', 5400], ['2d', 172_800], [' 10 SEC ', 10]])('%s is %d seconds', (text, seconds) => {
  expect(secondsOf(text)).toBe(seconds);
});

it.each(['', 'soon', '5 parsecs', '-5m', '5m soon', '1e3'])('"%s" is no length of time', (text) => {
  expect(secondsOf(text)).toBeNull();
});

it.each([0, 30, 90, 300, 5400, 86_400, 90_061])('%d seconds survive being written and read', (seconds) => {
  expect(secondsOf(spanText(seconds))).toBe(seconds);
});

it('has words', () => {
  expect([0, 300, 5400].map(spanWords)).toEqual(['0 s', '5 min', '1 h 30 min']);
});

it('says an age by its two greatest units', () => {
  expect([-60_000, 4999, 59_000, 61_000, 3_725_000, 180_000_000].map(ageWords)).toEqual(['just now', 'just now', '59 s', '1 min', '1 h 2 min', '2 d 2 h']);
});
