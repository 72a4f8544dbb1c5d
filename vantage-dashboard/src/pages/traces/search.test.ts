import { describe, expect, it } from 'vitest';
import { conditionsOf, parseDuration, parseTags, problemsOf, searchOf, traceIdIn, writeTag } from './search';

const of = (text: string) => searchOf(new URLSearchParams(text));

describe('a search', () => {
  it('asks for what the address says, and for nothing more', () => {
    expect(conditionsOf(of(''))).toEqual({});
    expect(conditionsOf(of('service=pay&operation=POST+/pay&env=prod&status=error&min=1.5s&max=2m&tags=region:eu+tier:gold'))).toEqual({
      service: 'pay', operation: 'POST /pay', environment: 'prod', status: 'error', min_duration_ms: 1500, max_duration_ms: 120_000, tag: ['region:eu', 'tier:gold'],
    });
  });

  it('leaves out what means nothing, and says so', () => {
    const search = of('status=sideways&sort=best&min=soon&tags=region');
    expect(search).toMatchObject({ status: '', sort: 'newest' });
    expect(conditionsOf(search)).toEqual({});
    expect(Object.keys(problemsOf(search))).toEqual(['min', 'tags']);
    expect(problemsOf(of('min=2s&max=1s'))).toHaveProperty('max');
    expect(problemsOf(of('min=1s&max=2s&tags=a:b'))).toEqual({});
  });
});

it.each([['250', 250], ['250 ms', 250], ['1.5s', 1500], ['2m', 120_000], ['80us', 0.08], ['', null], ['-1', null], ['1h', null], ['x', null]])('the duration %j is %j ms', (text, ms) => {
  expect(parseDuration(text)).toBe(ms);
});

it('tags are apart by blanks, or held together by quotes', () => {
  expect(parseTags('a:b  "user.agent:curl 8" url:http://x')).toEqual({ tags: ['a:b', 'user.agent:curl 8', 'url:http://x'], broken: [] });
  expect(parseTags(':x lone "')).toEqual({ tags: [], broken: [':x', 'lone'] });
  for (const [key, value] of [['a', 'b'], ['agent', 'curl 8'], ['empty', '']] as const) expect(parseTags(writeTag(key, value)).tags).toEqual([`${key}:${value}`]);
});

it.each([
  [' 618209CAF001772DB10C0E5832B2FA69'.toLowerCase(), '618209caf001772db10c0e5832b2fa69'],
  ['00-618209caf001772db10c0e5832b2fa69-c5a1ee5749a89d4d-01', '618209caf001772db10c0e5832b2fa69'],
  ['618209ca-f001-772d-b10c-0e5832b2fa69', '618209caf001772db10c0e5832b2fa69'],
  ['order-4711', 'order-4711'],
  ['', null],
  ['../health', null],
])('the trace id in %j is %j', (text, id) => {
  expect(traceIdIn(text)).toBe(id);
});
