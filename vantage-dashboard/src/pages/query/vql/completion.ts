import { inertText } from '../../../stream/logs';
import { quoted, tokens, type Token } from './tokens';
import { AGGREGATES, CLAUSES, FUNCTIONS, OPERATORS, TABLES } from './words';

/** What may stand where the cursor is. Pure. */

/** What the platform knows by name. */
export interface Names {
  metrics: readonly string[];
  services: readonly string[];
  environments: readonly string[];
  tagKeys: readonly string[];
}

export interface Proposal {
  label: string;
  /** What is written instead, where that is not the label. */
  insert?: string;
  detail: string;
  /** More is nearer to the top. */
  boost: number;
}

export interface Proposals {
  from: number;
  /** Also replaced: the end of a text that goes on behind the cursor. */
  to: number;
  options: Proposal[];
}

const SPANS = ['5 MINUTES', '15 MINUTES', '1 HOUR', '6 HOURS', '1 DAY', '7 DAYS'];
const STEPS = ['10 SECONDS', '1 MINUTE', '5 MINUTES', '1 HOUR', '1 DAY'];
const COMPARES = new Set(['=', '!=', '<>', 'LIKE', 'ILIKE']);
const MOST_LABEL = 120;

export function proposals(text: string, at: number, names: Names, variables: readonly string[] = []): Proposals | null {
  const before = tokens(text.slice(0, at));
  const last = before.at(-1);
  // What is being written, if the cursor touches it.
  const begun = last?.to === at ? last : undefined;
  const settled = begun ? before.slice(0, -1) : before;
  switch (begun?.kind) {
    case 'comment':
    case 'number':
      return null;
    case 'text':
      return isClosed(begun.text) ? null : insideText(text, at, begun, settled, names);
    case 'variable':
      return { from: begun.from, to: at, options: variableProposals(variables) };
    case 'mark':
    case 'operator':
    case undefined:
      return { from: at, to: at, options: wordsAfter(before, text, names, variables) };
    default:
      return { from: begun!.from, to: at, options: wordsAfter(settled, text, names, variables) };
  }
}

/** The values that may stand in quotes; they replace the text up to its end, if it has one. */
function insideText(text: string, at: number, begun: Token, settled: readonly Token[], names: Names): Proposals | null {
  const values = valuesAfter(settled, names);
  if (values.length === 0) return null;
  const rest = /^[^'\n]*?'/.exec(text.slice(at))?.[0] ?? '';
  const isSameText = /^[\w.\-/]*'$/.test(rest);
  return { from: begun.from, to: at + (isSameText ? rest.length : 0), options: values };
}

function wordsAfter(settled: readonly Token[], text: string, names: Names, variables: readonly string[]): Proposal[] {
  const previous = settled.at(-1)?.text.toUpperCase() ?? '';
  if (previous === '') return [word('SELECT', 'clause', 1)];
  if (previous === 'FROM') return Object.keys(TABLES).map((name) => word(name, 'table', 1));
  if (previous === 'SINCE' || previous === 'UNTIL') return SPANS.map((span, i) => word(span, 'time ago', -i));
  if (previous === 'TIMESERIES') return [...variableProposals(variables.filter((name) => name === 'interval')), ...STEPS.map((step, i) => word(step, 'step', -i))];
  const values = valuesAfter(settled, names);
  if (values.length > 0) return [...values, ...variableProposals(variables)];
  return [...columnsOf(text, previous), ...functionsAfter(previous), ...keywords(previous), ...variableProposals(variables)];
}

/** Names as VQL texts, where a column of names is compared or a key is looked up. */
function valuesAfter(settled: readonly Token[], names: Names): Proposal[] {
  const [subject, previous] = subjectOf(settled);
  if (previous === '[' && /^(tags|attributes)$/i.test(subject)) return texts(names.tagKeys, 'tag');
  if (!COMPARES.has(previous)) return [];
  if (subject === 'metric_name') return texts(names.metrics, 'metric');
  if (subject === 'service_name' || subject === 'caller') return texts(names.services, 'service');
  return subject === 'environment' ? texts(names.environments, 'environment') : [];
}

/** The column that a value stands behind, and what compares them; of `IN (a, ` the column, too. */
function subjectOf(settled: readonly Token[]): [string, string] {
  let end = settled.length - 1;
  while (end >= 0 && (settled[end]!.kind === 'text' || settled[end]!.text === ',')) end--;
  const isList = settled[end]?.text === '(' && settled[end - 1]?.text.toUpperCase() === 'IN';
  if (isList) {
    const column = settled[end - 2]?.text.toUpperCase() === 'NOT' ? settled[end - 3] : settled[end - 2];
    return [column?.text ?? '', '='];
  }
  const operator = settled.at(-1)?.text.toUpperCase() ?? '';
  const column = settled.at(-2)?.text.toUpperCase() === 'NOT' ? settled.at(-3) : settled.at(-2);
  return [column?.text ?? '', operator];
}

function columnsOf(text: string, previous: string): Proposal[] {
  const all = tokens(text);
  const from = all.findIndex((token) => token.text.toUpperCase() === 'FROM');
  const columns = (from >= 0 ? TABLES[all[from + 1]?.text ?? ''] : undefined) ?? [...new Set(Object.values(TABLES).flat())];
  const isExpected = ['SELECT', ',', 'WHERE', 'AND', 'OR', 'NOT', 'BY', '(', 'HAVING', 'DISTINCT'].includes(previous);
  return columns.map((column) => word(column, 'column', isExpected ? 2 : 0));
}

function functionsAfter(previous: string): Proposal[] {
  const isExpected = ['SELECT', ',', 'HAVING'].includes(previous);
  return FUNCTIONS.map((name) => ({ label: `${name}()`, insert: `${name}(`, detail: AGGREGATES.includes(name) ? 'aggregate' : 'function', boost: isExpected ? 1 : -1 }));
}

function keywords(previous: string): Proposal[] {
  const isExpected = !['SELECT', ',', 'WHERE', 'AND', '('].includes(previous);
  return [...CLAUSES, ...OPERATORS].filter((name) => name !== 'SELECT').map((name) => word(name, 'keyword', isExpected ? 1 : -2));
}

const variableProposals = (variables: readonly string[]): Proposal[] => variables.map((name) => word(`$${name}`, 'variable', 3));
const word = (label: string, detail: string, boost: number): Proposal => ({ label, detail, boost });
const texts = (values: readonly string[], detail: string): Proposal[] => values.map((value) => ({ label: quoted(inertText(value).slice(0, MOST_LABEL)), insert: quoted(value), detail, boost: 4 }));
const isClosed = (text: string): boolean => text.length > 1 && text.endsWith("'") && !/[^\\](?:\\\\)*\\'$/.test(text);
