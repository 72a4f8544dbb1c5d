import type { Api } from '../../api/types';

/** How the states of an alert look: shape, colour and word. */

export interface Look {
  glyph: string;
  tone: 'healthy' | 'degraded' | 'unhealthy' | 'unknown';
  word: string;
}

type Alert = Api<'AlertView'>;
type Happening = Api<'EventView'>['happening'];

const SEVERITIES: Record<Alert['severity'], Look> = {
  critical: { glyph: '◆', tone: 'unhealthy', word: 'Critical' },
  warning: { glyph: '▲', tone: 'degraded', word: 'Warning' },
};

export const severityLook = (severity: Alert['severity']): Look => SEVERITIES[severity];

export function stateLook({ state, severity }: Pick<Alert, 'state' | 'severity'>): Look {
  switch (state) {
    case 'firing':
      return { ...SEVERITIES[severity], word: 'Firing' };
    case 'acknowledged':
      return { glyph: '◐', tone: 'healthy', word: 'Acknowledged' };
    case 'pending':
      return { glyph: '○', tone: 'unknown', word: 'Pending' };
    case 'resolved':
      return { glyph: '✓', tone: 'healthy', word: 'Resolved' };
  }
}

export function happeningLook(happening: Happening, severity: Alert['severity']): Look {
  switch (happening) {
    case 'escalated':
      return { glyph: '⇈', tone: 'unhealthy', word: 'Got worse' };
    case 'dropped':
      return { glyph: '–', tone: 'unknown', word: 'Passed' };
    case 'told':
      return { glyph: '✉', tone: 'unknown', word: 'Channels told' };
    default:
      return { ...stateLook({ state: happening, severity }), ...(happening === 'firing' && { word: 'Fired' }) };
  }
}
