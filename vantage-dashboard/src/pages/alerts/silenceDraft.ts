import type { Api } from '../../api/types';
import type { Matcher } from './matchers';
import { secondsOf } from './spans';

/** A silence as its form has it. Pure. */

export interface SilenceDraft {
  matchers: Matcher[];
  /** Local clock, as a datetime-local field has it; empty means from now on. */
  start: string;
  /** How long: "2h"; or until when, if `until` is not empty. */
  length: string;
  until: string;
  comment: string;
}

type Silence = Api<'SilenceView'>;
type Body = Api<'SilenceBody'>;

/** How long alerts are usually silenced for. */
export const QUIET_PRESETS: readonly [minutes: number, text: string][] = [[30, '30 min'], [60, '1 h'], [240, '4 h'], [480, '8 h'], [1440, '1 d'], [10_080, '7 d']];

export const NEW_SILENCE: SilenceDraft = { matchers: [{ field: 'service', value: '', label: '' }], start: '', length: '1h', until: '', comment: '' };

export function silenceDraftOf(silence: Silence): SilenceDraft {
  return { matchers: silence.matchers, start: localText(silence.start), length: '', until: localText(silence.end), comment: silence.comment };
}

/** As the API takes it; what is no time goes as nothing, and comes back with the name of its field. */
export function silenceBodyOf(draft: SilenceDraft, now: number): Body {
  const start = draft.start === '' ? now : new Date(draft.start).getTime();
  const seconds = secondsOf(draft.length);
  const end = draft.until === '' ? (seconds === null ? NaN : start + seconds * 1000) : new Date(draft.until).getTime();
  return {
    matchers: draft.matchers.map((matcher) => ({ ...matcher, label: matcher.field === 'label' ? matcher.label.trim() : '' })),
    start_ms: Math.round(start),
    end_ms: Math.round(end),
    comment: draft.comment,
  };
}

export type SilenceState = 'active' | 'upcoming' | 'over';

export function silenceState({ active, end }: Pick<Silence, 'active' | 'end'>, now: number): SilenceState {
  return active ? 'active' : end > now ? 'upcoming' : 'over';
}

/** The local clock without a zone, to the second. */
function localText(epochMs: number): string {
  return new Date(epochMs - new Date(epochMs).getTimezoneOffset() * 60_000).toISOString().slice(0, 19);
}
