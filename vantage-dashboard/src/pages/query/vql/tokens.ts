import { FUNCTIONS, KEYWORDS, TABLES } from './words';

/** VQL as a list of tokens, for colours and completion. Anything is a token: half a query is what one types. Pure. */

export type TokenKind = 'keyword' | 'function' | 'table' | 'name' | 'text' | 'number' | 'variable' | 'operator' | 'comment' | 'mark';

export interface Token {
  kind: TokenKind;
  from: number;
  to: number;
  text: string;
}

const KNOWN_FUNCTIONS = new Set(FUNCTIONS.map((name) => name.toLowerCase()));
const PERCENTILE = /^p\d\d(if)?$/;
// In the order in which they are tried. Texts and comments may lack their end.
const FORMS: readonly (readonly [TokenKind, RegExp])[] = [
  ['comment', /--[^\n]*|\/\*[^]*?(?:\*\/|$)/y],
  ['text', /'(?:[^'\\]|\\[^]|'')*(?:'|\\?$)/y],
  ['name', /"(?:[^"\\]|\\[^])*(?:"|\\?$)|`[^`]*(?:`|$)/y],
  ['variable', /\$(?:\{\w*\}?|\w*)/y],
  ['number', /\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/y],
  ['name', /[\p{L}_][\p{L}\p{N}_]*/uy],
  ['operator', /[=!<>]+|[+\-*/%|]/y],
];

export function tokens(text: string): Token[] {
  const found: Token[] = [];
  for (let at = 0; at < text.length; ) {
    const token = /\s/.test(text[at]!) ? null : tokenAt(text, at);
    if (token) found.push(token);
    at = token?.to ?? at + 1;
  }
  return found;
}

function tokenAt(text: string, from: number): Token {
  for (const [kind, form] of FORMS) {
    form.lastIndex = from;
    const match = form.exec(text)?.[0];
    if (match) return { kind: kind === 'name' ? wordKind(match, text, from + match.length) : kind, from, to: from + match.length, text: match };
  }
  return { kind: 'mark', from, to: from + 1, text: text[from]! };
}

function wordKind(word: string, text: string, to: number): TokenKind {
  const lower = word.toLowerCase();
  const isCalled = /^\s*\(/.test(text.slice(to, to + 20));
  if (isCalled && (KNOWN_FUNCTIONS.has(lower) || KNOWN_FUNCTIONS.has(lower.replace(/if$/, '')) || PERCENTILE.test(lower))) return 'function';
  if (KEYWORDS.has(word.toUpperCase())) return 'keyword';
  return word in TABLES ? 'table' : 'name';
}

/** The token at a place, for underlining an error there: one character where there is none, the last one at the end. */
export function spanAt(text: string, position: number): { from: number; to: number } {
  const at = Math.max(0, Math.min(position, text.length));
  const token = tokens(text).find(({ from, to }) => from <= at && at < to);
  if (token) return { from: token.from, to: token.to };
  return at < text.length ? { from: at, to: at + 1 } : { from: Math.max(0, at - 1), to: at };
}

/** Rows of an answer to a query that has no LIMIT of its own. */
export const DEFAULT_LIMIT = 1000;

/** The answer ends where the API cuts queries without a LIMIT: there may be more. */
export function isCut(query: string, rows: number): boolean {
  return rows === DEFAULT_LIMIT && !tokens(query).some(({ kind, text }) => kind === 'keyword' && text.toUpperCase() === 'LIMIT');
}

/** As people count: from one. */
export function lineAndColumn(text: string, position: number): { line: number; column: number } {
  const before = text.slice(0, position).split('\n');
  return { line: before.length, column: before.at(-1)!.length + 1 };
}

/** A text of VQL, whatever is in it. */
export const quoted = (value: string): string => `'${value.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`;
