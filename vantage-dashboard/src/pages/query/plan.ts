import { timeText } from './results/cells';

/** A plan in words, clause by clause. What it does not know it shows as JSON. Pure. */

export interface PlanLine {
  clause: string;
  text: string;
}

const INFIX = new Set(['=', '!=', '<', '<=', '>', '>=', 'like', 'ilike', '+', '-', '*', '/', '%']);
const JOINED = new Set(['and', 'or']);

export function planLines(plan: Record<string, unknown>): PlanLine[] {
  const lines: [string, unknown][] = [
    ['Table', plan['table']],
    ['Select', list(plan['select'], (item) => `${expression(item['expr'])} as ${String(item['name'])}`)],
    ['Where', plan['where'] === null ? '' : expression(plan['where'])],
    ['Group by', list(plan['group_by'], expression)],
    ['Having', plan['having'] === null ? '' : expression(plan['having'])],
    ['Order by', list(plan['order_by'], (item) => `${expression(item['expr'])}${item['descending'] === true ? ' descending' : ''}`)],
    ['Distinct', plan['distinct'] === true ? 'yes' : ''],
    ['Limit', plan['limit']],
    ['Offset', plan['offset'] === 0 ? '' : plan['offset']],
  ];
  return lines.flatMap(([clause, value]) => (value === undefined || value === null || value === '' ? [] : [{ clause, text: String(value as string | number) }]));
}

export function expression(value: unknown): string {
  if (!isRecord(value)) return JSON.stringify(value);
  if ('column' in value) return String(value['column']);
  if ('output' in value) return String(value['output']);
  if ('literal' in value) return JSON.stringify(value['literal']);
  if ('time' in value && typeof value['time'] === 'number') return timeText(value['time']);
  if (isRecord(value['interval'])) return `${String(value['interval']['n'])} ${String(value['interval']['unit'])}`;
  if (isRecord(value['tag'])) return `${String(value['tag']['column'])}['${String(value['tag']['key'])}']`;
  if (typeof value['call'] === 'string' && Array.isArray(value['args'])) return call(value['call'], value['args'].map(expression), value['params']);
  return JSON.stringify(value);
}

function call(name: string, args: string[], params: unknown): string {
  if (JOINED.has(name)) return args.map((arg) => (/ (and|or) /.test(arg) ? `(${arg})` : arg)).join(` ${name} `);
  if (INFIX.has(name) && args.length === 2) return `${args[0]} ${name} ${args[1]}`;
  return `${name}${Array.isArray(params) ? `(${params.join(', ')})` : ''}(${args.join(', ')})`;
}

const list = (value: unknown, text: (item: Record<string, unknown>) => string): string => (Array.isArray(value) ? value.filter(isRecord).map(text).join('\n') : '');
const isRecord = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null && !Array.isArray(value);
