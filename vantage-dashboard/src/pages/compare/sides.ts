import type { Api } from '../../api/types';
import { tagOf, textOfTag, type Tag } from '../metrics/question';

/** What is compared, as the address has it and as the API takes it. Pure. */

export const KINDS = [{ value: 'services', text: 'Two services' }, { value: 'versions', text: 'Two versions' }, { value: 'windows', text: 'Before and after' }] as const;
export type Kind = (typeof KINDS)[number]['value'];

export const QUANTILES = ['p50', 'p95', 'p99'] as const;
export type Quantile = (typeof QUANTILES)[number];

export interface Sides {
  kind: Kind;
  /** The baseline; of versions and windows it is both sides. */
  service: string;
  /** The candidate of two services. */
  candidate: string;
  from: string;
  to: string;
  /** Where the window before begins: 'previous', '1d', '7d' earlier, or an instant in epoch ms. */
  before: string;
  metric: string;
  tags: Tag[];
  higherIsBetter: boolean;
  alpha: string;
  least: string;
  quantile: Quantile;
}

export const DEFAULTS = { metric: 'http.request.duration', alpha: '0.05', least: '1', before: 'previous' };

export function readSides(parameters: URLSearchParams): Sides {
  const text = (name: string, fallback = '') => parameters.get(name) || fallback;
  return {
    kind: KINDS.find(({ value }) => value === text('kind'))?.value ?? 'services',
    service: text('service'),
    candidate: text('with'),
    from: text('from'),
    to: text('to'),
    before: text('before', DEFAULTS.before),
    metric: text('metric', DEFAULTS.metric),
    tags: parameters.getAll('tag').flatMap(tagOf),
    higherIsBetter: text('better') === 'higher',
    alpha: text('alpha', DEFAULTS.alpha),
    least: text('least', DEFAULTS.least),
    quantile: QUANTILES.find((value) => value === text('q')) ?? 'p95',
  };
}

export interface Window {
  start: number;
  end: number;
}

const DAY_MS = 86_400_000;
const MOST_DAYS = 7;

/** The window that `window` is held against; of the same length. */
export function baselineOf({ start, end }: Window, before: string): Window {
  const length = end - start;
  const by = before === '1d' ? DAY_MS : before === '7d' ? 7 * DAY_MS : length;
  const instant = Number(before);
  const begin = Number.isSafeInteger(instant) && instant > 0 ? instant : start - by;
  return { start: begin, end: begin + length };
}

export type Question =
  | { kind: 'services'; body: Api<'CompareServices'> }
  | { kind: 'versions'; body: Api<'CompareVersions'> }
  | { kind: 'windows'; body: Api<'CompareWindows'> };

/** What to ask the API; or, as a text, what is still to be chosen. */
export function questionOf(sides: Sides, window: Window, environment: string): Question | string {
  const tags: Record<string, string> = Object.fromEntries([...(environment === '' ? [] : [['environment', environment]]), ...sides.tags.map(({ key, value }) => [key, value])]) as Record<string, string>;
  const common = { metric_name: sides.metric, lower_is_better: !sides.higherIsBetter, scale: 'auto' as const, alpha: Number(sides.alpha), min_effect_pct: Number(sides.least) };
  const times = { time_start: Math.round(window.start), time_end: Math.round(window.end) };
  if (window.end - window.start > MOST_DAYS * DAY_MS) return 'A comparison is over at most 7 days. Choose a shorter range.';
  if (sides.service === '') return 'Choose a service.';
  switch (sides.kind) {
    case 'services':
      if (sides.candidate === '') return 'Choose the service to compare with.';
      return { kind: 'services', body: { ...common, ...times, baseline_service: sides.service, candidate_service: sides.candidate, baseline_tags: tags, candidate_tags: tags } };
    case 'versions':
      if (sides.from === '' || sides.to === '') return 'Choose two versions.';
      if (sides.from === sides.to) return 'Choose two different versions.';
      return { kind: 'versions', body: { ...common, ...times, service: sides.service, baseline_version: sides.from, candidate_version: sides.to, tags } };
    case 'windows': {
      const before = baselineOf(window, sides.before);
      if (before.start < window.end && window.start < before.end) return 'The two windows overlap. Choose an earlier one before, or a shorter range.';
      return { kind: 'windows', body: { ...common, service: sides.service, tags, baseline_start: Math.round(before.start), baseline_end: Math.round(before.end), candidate_start: times.time_start, candidate_end: times.time_end } };
    }
  }
}

/** How a side is called: by what it differs in from the other. */
export function nameOf(kind: Kind, side: Api<'Side'>, which: 'baseline' | 'candidate'): string {
  if (kind === 'services') return side.service;
  if (kind === 'versions') return side.tags['version'] ?? side.tags['service.version'] ?? which;
  return which === 'baseline' ? 'before' : 'after';
}

/** The tags of a side as a time series takes them. */
export const filtersOf = ({ tags }: Api<'Side'>): string[] => Object.entries(tags).map(([key, value]) => textOfTag({ key, value }));
