import type { Api } from '../../api/types';

/** Which alerts a silence covers, as the API decides it (patterns of a shell: `*`, `?`, `[a-z]`). Pure. */

export type Matcher = Api<'Matcher'>;
type Alert = Api<'AlertView'>;

export function covers(matchers: readonly Matcher[], alert: Alert): boolean {
  return matchers.length > 0 && matchers.every((matcher) => patternOf(matcher.value).test(valueOf(matcher, alert)));
}

/** "service = check*" */
export function matcherWords({ field, label, value }: Matcher): string {
  return `${field === 'label' ? label : FIELD_WORDS[field]} = ${plainly(value)}`;
}

export const FIELD_WORDS: Record<Matcher['field'], string> = { service: 'service', rule: 'rule id', rule_name: 'rule name', metric: 'metric', severity: 'severity', label: 'label' };

function valueOf({ field, label }: Matcher, alert: Alert): string {
  switch (field) {
    case 'service':
      return alert.service_name;
    case 'rule':
      return alert.rule_id;
    case 'label':
      return alert.labels[label] ?? '';
    default:
      return alert[field];
  }
}

/** `[*]`, as the API writes a star that is only a star, is shown as one. */
const plainly = (pattern: string): string => pattern.replace(/\[([*?[])\]/g, '$1');

function patternOf(pattern: string): RegExp {
  let source = '';
  for (let i = 0; i < pattern.length; i++) {
    const close = pattern[i] === '[' ? pattern.indexOf(']', pattern[i + 1] === '!' ? i + 3 : i + 2) : -1;
    if (close > 0) {
      const inside = pattern.slice(i + 1, close).replace(/[\\\]^[]/g, '\\$&');
      source += inside.startsWith('!') ? `[^${inside.slice(1)}]` : `[${inside}]`;
      i = close;
    } else source += wildcard(pattern[i]!);
  }
  try {
    return new RegExp(`^${source}$`, 's');
  } catch {
    // A range that runs backwards matches nothing.
    return /(?!)/;
  }
}

const wildcard = (character: string): string => (character === '*' ? '.*' : character === '?' ? '.' : character.replace(/[\\^$.*+?()[\]{}|/]/g, '\\$&'));
