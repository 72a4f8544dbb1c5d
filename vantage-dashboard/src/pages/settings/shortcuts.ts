/** The keys that the pages listen to. */

export interface Shortcut {
  /** Alternatives, each pressed together. */
  keys: readonly (readonly string[])[];
  what: string;
}

export const SHORTCUTS: readonly { where: string; shortcuts: readonly Shortcut[] }[] = [
  {
    where: 'City',
    shortcuts: [
      { keys: [['W'], ['A'], ['S'], ['D']], what: 'Move; the arrow keys do so, too' },
      { keys: [['Q'], ['E']], what: 'Turn' },
      { keys: [['T']], what: 'From above, as a plan' },
      { keys: [['F']], what: 'To the chosen service' },
      { keys: [['Shift', 'F']], what: 'Follow it' },
      { keys: [['Home']], what: 'All of the city' },
      { keys: [['1…9']], what: 'To a kept place' },
      { keys: [['Shift', '1…9']], what: 'Keep the place' },
      { keys: [['/']], what: 'Search' },
      { keys: [['Esc']], what: 'Back, step by step' },
    ],
  },
  {
    where: 'Query',
    shortcuts: [
      { keys: [['Ctrl', 'Enter']], what: 'Run' },
      { keys: [['Ctrl', 'Space']], what: 'Complete' },
    ],
  },
  {
    where: 'Everywhere',
    shortcuts: [
      { keys: [['Tab']], what: 'On to the next; first of all “Skip to the page”' },
      { keys: [['Esc']], what: 'Close a dialog' },
      { keys: [['←'], ['→']], what: 'Read the values of a chart that has the focus' },
    ],
  },
];
