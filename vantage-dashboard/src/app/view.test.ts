import { describe, expect, it } from 'vitest';
import { parametersOf, viewOf, type ViewState } from './view';

const written = (view: Partial<ViewState>) => {
  const parameters = new URLSearchParams();
  for (const [name, value] of Object.entries(parametersOf(view))) if (value !== null) parameters.set(name, value);
  return parameters;
};

describe('the view in the address', () => {
  it('is empty for what everybody sees', () => expect(written(viewOf(new URLSearchParams())).toString()).toBe(''));

  it('comes back as it was written', () => {
    const view: ViewState = { selectedId: 'a b/c&d', table: true, sort: '-rps', logsOpen: false, logsService: 'x', logsText: 'ü', logsLevel: 'WARN', traceId: 'ff', at: 1_795_287_200_000, speed: 10, playing: true };
    expect(viewOf(written(view))).toEqual(view);
  });

  it.each([['2026-11-21T18:53:20Z', 1_795_287_200_000], ['1795287200000', 1_795_287_200_000], ['yesterday', null], ['-5', null], ['', null]])('at=%s → %s', (text, at) => {
    expect(viewOf(new URLSearchParams({ at: text })).at).toBe(at);
  });

  it('passes over what means nothing', () => {
    expect(viewOf(new URLSearchParams('logLevel=LOUD&logs=ajar&speed=x&view=globe'))).toMatchObject({ logsLevel: 'ALL', logsOpen: null, speed: 1, table: false });
  });
});
