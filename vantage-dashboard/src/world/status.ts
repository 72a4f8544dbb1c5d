import { Status, type StatusCode } from './model';

export interface StatusLook {
  word: string;
  /** A shape that differs without colour. */
  glyph: string;
  /** CSS class suffix; the colour itself lives in theme.css. */
  tone: 'unknown' | 'healthy' | 'degraded' | 'unhealthy';
}

const LOOKS: Record<StatusCode, StatusLook> = {
  [Status.UNKNOWN]: { word: 'Unknown', glyph: '○', tone: 'unknown' },
  [Status.HEALTHY]: { word: 'Healthy', glyph: '●', tone: 'healthy' },
  [Status.DEGRADED]: { word: 'Degraded', glyph: '▲', tone: 'degraded' },
  [Status.UNHEALTHY]: { word: 'Unhealthy', glyph: '◆', tone: 'unhealthy' },
};

/** Worst first: the order of lists and of attention. */
export const STATUS_BY_SEVERITY: readonly StatusCode[] = [Status.UNHEALTHY, Status.DEGRADED, Status.UNKNOWN, Status.HEALTHY];

export function statusLook(status: StatusCode): StatusLook {
  return LOOKS[status];
}

/** A code this build does not know is shown as unknown rather than as healthy. */
export function toStatus(code: number): StatusCode {
  return code === 1 || code === 2 || code === 3 ? code : Status.UNKNOWN;
}

export function statusOfWord(word: string): StatusCode {
  switch (word.toUpperCase()) {
    case 'HEALTHY':
      return Status.HEALTHY;
    case 'DEGRADED':
      return Status.DEGRADED;
    case 'UNHEALTHY':
      return Status.UNHEALTHY;
    default:
      return Status.UNKNOWN;
  }
}

export function needsAttention(status: StatusCode): boolean {
  return status === Status.DEGRADED || status === Status.UNHEALTHY;
}
