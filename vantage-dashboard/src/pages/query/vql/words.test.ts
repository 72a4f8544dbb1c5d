import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { DEFAULT_LIMIT } from './tokens';
import { AGGREGATES, CLAUSES, FUNCTIONS, TABLES, UNITS } from './words';

const DOCS = readFileSync(new URL('../../../../../docs/vql.md', import.meta.url), 'utf8');

/** The rows of the table behind a comment or a heading, as cells. */
function tableAfter(mark: string): string[][] {
  const lines = DOCS.slice(DOCS.indexOf(mark)).split('\n');
  const first = lines.findIndex((line) => line.startsWith('|---'));
  const rows = lines.slice(first + 1);
  return rows.slice(0, rows.findIndex((line) => !line.startsWith('|'))).map((line) => line.split('|').slice(1, -1).map((cell) => cell.trim()));
}

const ticked = (text: string): string[] => [...text.matchAll(/`([\w ]+)`/g)].map((match) => match[1]!);

test('the tables and their columns are those of the documentation', () => {
  const shown = Object.fromEntries(tableAfter('<!-- tables').map(([name, columns]) => [name!.replaceAll('`', ''), ticked(columns!)]));
  expect(TABLES).toEqual(shown);
});

test('the functions are those of the documentation', () => {
  const rows = tableAfter('<!-- functions');
  const shown = rows.flatMap(([, names]) => ticked(names!)).filter((name) => name !== 'pNN');
  expect([...FUNCTIONS].sort()).toEqual(shown.sort());
  expect([...AGGREGATES].sort()).toEqual([...ticked(rows[0]![1]!), ...ticked(rows[1]![1]!)].filter((name) => name !== 'pNN').sort());
});

test('the clauses and units are those of the documentation', () => {
  const shown = tableAfter('## A query').flatMap(([part]) => ticked(part!));
  expect([...CLAUSES].sort()).toEqual(shown.sort());
  for (const unit of UNITS) expect(DOCS).toMatch(new RegExp(`\\b${unit}\\b`));
});

test('the rows of an answer without LIMIT are those of the documentation', () => expect(DOCS).toContain(`without LIMIT ${DEFAULT_LIMIT}`));
