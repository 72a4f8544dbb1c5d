import { ApiError } from '../../api/client';

/** What the API found wrong with a form, by the field it belongs to. Pure. */

export type Faults = Readonly<Record<string, string>>;

const KINDS = new Set(['fixed', 'adaptive', 'no_data', 'health']);

/** "body.rule.condition.fixed.threshold" → "condition.threshold": as the form calls its field. */
function fieldOf(loc: string): string {
  const parts = loc.split('.');
  const names = parts[0] === 'body' ? parts.slice(parts[1] === 'rule' ? 2 : 1) : parts;
  return names.filter((name, i) => !(i === 1 && names[0] === 'condition' && KINDS.has(name))).join('.');
}

export function faultsOf(error: Error | null): Faults {
  if (!(error instanceof ApiError)) return {};
  return Object.fromEntries(error.details.map(({ loc, msg }) => [fieldOf(loc), msg]));
}

/** What is said of a field or of a part of it: "labels" covers "labels.team". */
export function faultAt(faults: Faults, field: string): string | undefined {
  return faults[field] ?? Object.entries(faults).find(([name]) => name.startsWith(`${field}.`))?.[1];
}

/** Faults of no field that the form shows. */
export function faultsBeside(faults: Faults, shown: readonly string[]): string[] {
  return Object.entries(faults)
    .filter(([name]) => !shown.some((field) => name === field || name.startsWith(`${field}.`)))
    .map(([name, said]) => (name === '' ? said : `${name}: ${said}`));
}
