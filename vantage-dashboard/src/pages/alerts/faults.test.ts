import { expect, it } from 'vitest';
import { ApiError } from '../../api/client';
import { faultAt, faultsBeside, faultsOf } from './faults';

const refused = (...locs: string[]) => new ApiError(422, 'the request is not valid', 'invalid_request', null, null, locs.map((loc) => ({ loc, msg: `wrong ${loc}` })));

it('calls fields as the form does, of a body and of a rule to be tried', () => {
  const faults = faultsOf(refused('body.name', 'body.rule.window_s', 'body.condition.fixed.threshold', 'body.rule.condition.adaptive', 'body.matchers.1.value'));
  expect(Object.keys(faults)).toEqual(['name', 'window_s', 'condition.threshold', 'condition', 'matchers.1.value']);
});

it('finds what is said of a part of a field', () => {
  expect(faultAt(faultsOf(refused('body.labels.ä.[key]')), 'labels')).toBe('wrong body.labels.ä.[key]');
  expect(faultAt(faultsOf(refused('body.labelsome')), 'labels')).toBeUndefined();
});

it('keeps what belongs to no field of the form, and knows nothing of other errors', () => {
  expect(faultsBeside(faultsOf(refused('body.name', 'body.colour')), ['name'])).toEqual(['colour: wrong body.colour']);
  expect(faultsOf(new TypeError('Failed to fetch'))).toEqual({});
});
