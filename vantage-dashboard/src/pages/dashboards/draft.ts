import type { Api } from '../../api/types';
import { below, type Position } from './layout';

/** A dashboard while it is edited. Pure. */

export type Panel = Api<'Panel'>;
export type Variable = Api<'Variable'>;
/** What of a dashboard is edited, and saved. */
export type Content = Pick<Api<'Dashboard'>, 'name' | 'description' | 'variables' | 'panels'>;

export type Change =
  | { kind: 'described'; name: string; description: string }
  | { kind: 'arranged'; positions: readonly { id: string; position: Position }[] }
  | { kind: 'panel'; panel: Panel }
  | { kind: 'removed'; id: string }
  | { kind: 'variables'; variables: Variable[] };

export function edited(content: Content, change: Change): Content {
  switch (change.kind) {
    case 'described':
      return { ...content, name: change.name, description: change.description };
    case 'arranged': {
      const positions = new Map(change.positions.map(({ id, position }) => [id, position]));
      return { ...content, panels: content.panels.map((panel) => ({ ...panel, position: positions.get(panel.id) ?? panel.position })) };
    }
    case 'panel': {
      const isNew = !content.panels.some(({ id }) => id === change.panel.id);
      return { ...content, panels: isNew ? [...content.panels, change.panel] : content.panels.map((panel) => (panel.id === change.panel.id ? change.panel : panel)) };
    }
    case 'removed':
      return { ...content, panels: content.panels.filter(({ id }) => id !== change.id) };
    case 'variables':
      return { ...content, variables: change.variables };
  }
}

export const contentOf = ({ name, description, variables, panels }: Content): Content => ({ name, description, variables, panels });
export const isSame = (a: Content, b: Content): boolean => JSON.stringify(contentOf(a)) === JSON.stringify(contentOf(b));

/** A panel to begin with, under an id that is free. */
export function newPanel(panels: readonly Panel[]): Panel {
  const taken = new Set(panels.map(({ id }) => id));
  let number = panels.length + 1;
  while (taken.has(`panel-${number}`)) number++;
  return { id: `panel-${number}`, title: '', query: '', chart: 'line', options: {}, position: below(panels) };
}

const VARIABLE_NAME = /^[a-z][a-z0-9_]{0,39}$/;

/** What is wrong with the name of a variable, as the API would say. */
export function nameProblem(name: string, others: readonly string[]): string | null {
  if (!VARIABLE_NAME.test(name)) return 'A name begins with a small letter; small letters, digits and _ follow, 40 in all.';
  if (name === 'interval') return '$interval is Vantage’s own: the step that fits the range.';
  return others.includes(name) ? 'There is another variable of this name.' : null;
}

const IN_ADDRESS = 'var-';

/** The values of a dashboard's variables: those of the address, else their defaults. */
export function valuesOf(parameters: URLSearchParams, variables: readonly Variable[]): Record<string, string> {
  return Object.fromEntries(variables.map(({ name, default: otherwise }) => [name, (parameters.get(IN_ADDRESS + name) ?? otherwise).slice(0, 200)]));
}

/** A value for the address; the default needs none. */
export const valueInAddress = ({ name, default: otherwise }: Variable, value: string): Record<string, string | null> => ({ [IN_ADDRESS + name]: value === otherwise ? null : value });
