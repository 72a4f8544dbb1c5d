import { levelOf } from '../../panels/logLevels';

export interface SeverityLook {
  word: string;
  /** A shape that differs without colour. */
  glyph: string;
  /** Suffix of the `tone-` classes and tokens. */
  tone: 'unhealthy' | 'degraded' | 'healthy' | 'unknown';
}

/** How a line of this severity is marked. */
export function severityLook(severity: string): SeverityLook {
  const { rank, word } = levelOf(severity);
  if (rank >= 4) return { word, glyph: '◆', tone: 'unhealthy' };
  if (rank === 3) return { word, glyph: '▲', tone: 'degraded' };
  return rank === 2 ? { word, glyph: '●', tone: 'healthy' } : { word, glyph: '○', tone: 'unknown' };
}
