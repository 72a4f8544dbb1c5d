import { describe, expect, test } from 'vitest';
import { contentOf, edited, isSame, nameProblem, newPanel, valueInAddress, valuesOf, type Content, type Panel } from './draft';

const panel = (id: string): Panel => ({ id, title: id, query: 'SELECT 1', chart: 'line', options: {}, position: { x: 0, y: 0, w: 6, h: 4 } });
const CONTENT: Content = { name: 'Shop', description: '', variables: [], panels: [panel('a'), panel('b')] };

describe('edited', () => {
  test('a panel is changed in its place, a new one comes last', () => {
    const changed = edited(CONTENT, { kind: 'panel', panel: { ...panel('a'), title: 'A' } });
    expect(changed.panels.map(({ title }) => title)).toEqual(['A', 'b']);
    expect(edited(CONTENT, { kind: 'panel', panel: panel('c') }).panels.map(({ id }) => id)).toEqual(['a', 'b', 'c']);
  });
  test('positions of panels that are named change', () => {
    const position = { x: 6, y: 2, w: 6, h: 4 };
    const { panels } = edited(CONTENT, { kind: 'arranged', positions: [{ id: 'b', position }, { id: 'gone', position }] });
    expect(panels.map((each) => each.position)).toEqual([panel('a').position, position]);
  });
  test('a panel is removed', () => expect(edited(CONTENT, { kind: 'removed', id: 'a' }).panels.map(({ id }) => id)).toEqual(['b']));
  test('name and variables', () => {
    expect(edited(CONTENT, { kind: 'described', name: 'X', description: 'y' })).toMatchObject({ name: 'X', description: 'y' });
    expect(edited(CONTENT, { kind: 'variables', variables: [{ name: 'v', default: '', choices: [] }] }).variables).toHaveLength(1);
  });
  test('what is edited is another thing, and the same once it is put back', () => {
    const other = edited(CONTENT, { kind: 'described', name: 'X', description: '' });
    expect(isSame(CONTENT, other)).toBe(false);
    expect(isSame(CONTENT, edited(other, { kind: 'described', name: 'Shop', description: '' }))).toBe(true);
    expect(isSame(CONTENT, { ...CONTENT, version: 7 } as Content)).toBe(true);
    expect(contentOf({ ...CONTENT, version: 7 } as Content)).toEqual(CONTENT);
  });
});

test('a new panel has an id of its own', () => {
  const panels = [panel('panel-2')];
  expect(newPanel(panels).id).toBe('panel-3');
  expect(newPanel([panel('panel-3'), panel('x')]).id).toBe('panel-4');
  expect(newPanel(panels).position.y).toBe(4);
});

test.each([
  ['service', null],
  ['Service', 'small letter'],
  ['1st', 'small letter'],
  ['', 'small letter'],
  ['interval', 'own'],
  ['taken', 'another variable'],
])('the variable name %j', (name, problem) => {
  const said = nameProblem(name, ['taken']);
  if (problem === null) expect(said).toBeNull();
  else expect(said).toContain(problem);
});

test('values of variables come from the address, else they are the defaults', () => {
  const variables = [{ name: 'service', default: 'checkout', choices: [] }, { name: 'region', default: '', choices: [] }];
  expect(valuesOf(new URLSearchParams('var-service=cart&var-other=x'), variables)).toEqual({ service: 'cart', region: '' });
  expect(valueInAddress(variables[0]!, 'cart')).toEqual({ 'var-service': 'cart' });
  expect(valueInAddress(variables[0]!, 'checkout')).toEqual({ 'var-service': null });
});
