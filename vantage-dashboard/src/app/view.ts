import { LEVELS, type LevelName } from '../panels/logLevels';
import { speedOf } from '../world/player';

/** What a person chose to see of the city, as its address has it. Pure. */
export interface ViewState {
  selectedId: string | null;
  table: boolean;
  /** "name", or "-rps" for the greatest first. */
  sort: string;
  /** null: as the window has room. */
  logsOpen: boolean | null;
  logsService: string;
  logsText: string;
  logsLevel: LevelName;
  traceId: string | null;
  /** The past moment that is looked at, in epoch ms; null is now. */
  at: number | null;
  speed: number;
  playing: boolean;
}

export const DEFAULT_SORT = 'status';

export function viewOf(parameters: URLSearchParams): ViewState {
  const logs = parameters.get('logs');
  return {
    selectedId: parameters.get('service'),
    table: parameters.get('view') === 'table',
    sort: parameters.get('sort') ?? DEFAULT_SORT,
    logsOpen: logs === 'open' ? true : logs === 'closed' ? false : null,
    logsService: parameters.get('logService') ?? '',
    logsText: parameters.get('logText') ?? '',
    logsLevel: LEVELS.find(({ name }) => name === parameters.get('logLevel'))?.name ?? 'ALL',
    traceId: parameters.get('trace'),
    at: momentOf(parameters.get('at')),
    speed: speedOf(parameters.get('speed')),
    playing: parameters.get('play') === '1',
  };
}

/** Parameters of an address for what is to change; null removes one. */
export function parametersOf(changes: Partial<ViewState>): Record<string, string | null> {
  const named: Record<keyof ViewState, [string, (value: never) => string | null]> = {
    selectedId: ['service', text],
    table: ['view', (value: boolean) => (value ? 'table' : null)],
    sort: ['sort', (value: string) => (value === DEFAULT_SORT ? null : value)],
    logsOpen: ['logs', (value: boolean | null) => (value === null ? null : value ? 'open' : 'closed')],
    logsService: ['logService', text],
    logsText: ['logText', text],
    logsLevel: ['logLevel', (value: LevelName) => (value === 'ALL' ? null : value)],
    traceId: ['trace', text],
    at: ['at', (value: number | null) => (value === null ? null : String(Math.round(value)))],
    speed: ['speed', (value: number) => (value === 1 ? null : String(value))],
    playing: ['play', (value: boolean) => (value ? '1' : null)],
  };
  return Object.fromEntries(Object.entries(changes).map(([key, value]) => [named[key as keyof ViewState][0], named[key as keyof ViewState][1](value as never)]));
}

const text = (value: string | null): string | null => (value === '' ? null : value);

/** Epoch ms, or a time as people write it (ISO 8601). */
function momentOf(written: string | null): number | null {
  if (written === null) return null;
  const ms = /^\d+$/.test(written) ? Number(written) : /^\d{4}-/.test(written) ? Date.parse(written) : NaN;
  return Number.isFinite(ms) && ms > 0 ? ms : null;
}
