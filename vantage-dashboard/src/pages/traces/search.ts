import { inertText } from '../../stream/logs';

/** What is looked for, as the address has it and as the API takes it. Pure. */

export const SORTS = ['newest', 'slowest'] as const;
export type Sort = (typeof SORTS)[number];

export interface Search {
  service: string;
  operation: string;
  environment: string;
  status: '' | 'ok' | 'error';
  /** As typed: "250", "1.5s". */
  min: string;
  max: string;
  /** As typed: key:value, several apart by blanks. */
  tags: string;
  sort: Sort;
}

export function searchOf(parameters: URLSearchParams): Search {
  const text = (name: string) => parameters.get(name) ?? '';
  const status = text('status');
  return {
    service: text('service'),
    operation: text('operation'),
    environment: text('env'),
    status: status === 'ok' || status === 'error' ? status : '',
    min: text('min'),
    max: text('max'),
    tags: text('tags'),
    sort: text('sort') === 'slowest' ? 'slowest' : 'newest',
  };
}

export interface SearchQuery {
  service?: string;
  operation?: string;
  environment?: string;
  status?: 'ok' | 'error';
  min_duration_ms?: number;
  max_duration_ms?: number;
  tag?: string[];
}

/** Conditions of a search as the API takes them; what cannot be read as one is left out (`problemsOf` says so). */
export function conditionsOf(search: Search): SearchQuery {
  const min = parseDuration(search.min), max = parseDuration(search.max), tags = parseTags(search.tags).tags;
  return {
    ...(search.service !== '' && { service: search.service }),
    ...(search.operation !== '' && { operation: search.operation }),
    ...(search.environment !== '' && { environment: search.environment }),
    ...(search.status !== '' && { status: search.status }),
    ...(min !== null && { min_duration_ms: min }),
    ...(max !== null && { max_duration_ms: max }),
    ...(tags.length > 0 && { tag: tags }),
  };
}

/** What was typed and means nothing, by field. */
export function problemsOf({ min, max, tags }: Search): Partial<Record<'min' | 'max' | 'tags', string>> {
  const durations = 'A duration is a number of milliseconds, or has a unit: 250, 250ms, 1.5s, 2m.';
  const from = parseDuration(min), to = parseDuration(max), { broken } = parseTags(tags);
  return {
    ...(min !== '' && from === null && { min: durations }),
    ...(max !== '' && to === null && { max: durations }),
    ...(from !== null && to !== null && from > to && { max: 'The greatest duration is less than the least.' }),
    ...(broken.length > 0 && { tags: `A tag is key:value; "${inertText(broken[0]!)}" is none.` }),
  };
}

const UNIT_MS: Record<string, number> = { us: 0.001, µs: 0.001, ms: 1, s: 1000, m: 60_000, min: 60_000 };

/** Milliseconds; null where the text is no duration. */
export function parseDuration(text: string): number | null {
  const found = /^(\d+(?:\.\d+)?)\s*(us|µs|ms|s|min|m)?$/.exec(text.trim());
  return found ? Number(found[1]) * UNIT_MS[found[2] ?? 'ms']! : null;
}

/** Tags apart by blanks; quotes keep one with blanks together: `region:eu "user.agent:curl 8"`. */
export function parseTags(text: string): { tags: string[]; broken: string[] } {
  const parts = (text.match(/"[^"]*"?|\S+/g) ?? []).map((part) => part.replace(/^"|"$/g, '')).filter((part) => part !== '');
  return { tags: parts.filter((part) => part.indexOf(':') > 0), broken: parts.filter((part) => part.indexOf(':') <= 0) };
}

/** One tag as `parseTags` reads it. */
export const writeTag = (key: string, value: string): string => (/\s/.test(key + value) ? `"${key}:${value}"` : `${key}:${value}`);

/** A trace id in what somebody pasted: bare, as a UUID, or in a W3C traceparent. */
export function traceIdIn(text: string): string | null {
  const trimmed = text.trim();
  const parent = /^[0-9a-f]{2}-([0-9a-f]{32})-[0-9a-f]{16}-[0-9a-f]{2}$/i.exec(trimmed);
  if (parent) return parent[1]!.toLowerCase();
  if (/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(trimmed)) return trimmed.replaceAll('-', '').toLowerCase();
  return trimmed === '' || /[\s/]/.test(trimmed) ? null : trimmed;
}
