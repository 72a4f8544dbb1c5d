import type { LogLine } from '../stream/logs';

export type LevelName = 'ALL' | 'INFO' | 'WARN' | 'ERROR';

export const LEVELS: readonly { name: LevelName; title: string; rank: number }[] = [
  { name: 'ALL', title: 'All levels', rank: 0 },
  { name: 'INFO', title: 'Info and up', rank: 2 },
  { name: 'WARN', title: 'Warnings and up', rank: 3 },
  { name: 'ERROR', title: 'Errors', rank: 4 },
];

/** What the server is asked for; it reads the severities of each dialect as these. None: all. */
const SEVERITIES: Record<LevelName, string[]> = { ALL: [], INFO: ['INFO', 'WARN', 'ERROR', 'FATAL'], WARN: ['WARN', 'ERROR', 'FATAL'], ERROR: ['ERROR', 'FATAL'] };

export const severitiesOf = (level: LevelName): string[] => SEVERITIES[level];

export interface Level {
  rank: number;
  /** Five letters at most: a column stays a column. */
  word: string;
  tone: string;
}

/** Reads the severities of OpenTelemetry, Python logging and syslog. */
export function levelOf(severity: string): Level {
  const word = severity.toUpperCase();
  if (/^(FATAL|CRIT|EMERG|ALERT|PANIC)/.test(word)) return { rank: 5, word: 'FATAL', tone: 'log-error' };
  if (word.startsWith('ERR')) return { rank: 4, word: 'ERROR', tone: 'log-error' };
  if (word.startsWith('WARN')) return { rank: 3, word: 'WARN', tone: 'log-warn' };
  if (word.startsWith('DEBUG')) return { rank: 1, word: 'DEBUG', tone: 'log-debug' };
  if (word.startsWith('TRACE')) return { rank: 0, word: 'TRACE', tone: 'log-debug' };
  return { rank: 2, word: 'INFO', tone: 'log-info' };
}

export interface LineFilter {
  level: LevelName;
  service: string;
  text: string;
}

export function matchesLine(line: LogLine, { level, service, text }: LineFilter): boolean {
  const needed = LEVELS.find(({ name }) => name === level)?.rank ?? 0;
  return (
    levelOf(line.severity).rank >= needed &&
    line.service_name.toLowerCase().includes(service.toLowerCase()) &&
    line.body.toLowerCase().includes(text.toLowerCase())
  );
}
