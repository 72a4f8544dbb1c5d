import type { LogFilter, LogLine } from '../../stream/logs';

/** Which log lines are wanted, as the address has it, and as each of those that are asked takes it. Pure. */

export const SEVERITIES = ['FATAL', 'ERROR', 'WARN', 'INFO', 'DEBUG', 'TRACE'] as const;
export type Severity = (typeof SEVERITIES)[number];

export interface Wanted {
  service: string;
  environment: string;
  /** None means all. */
  severities: readonly Severity[];
  text: string;
  traceId: string;
}

export function wantedOf(parameters: URLSearchParams): Wanted {
  const text = (name: string) => parameters.get(name) ?? '';
  const named = text('severity').toUpperCase().split(',');
  return { service: text('service'), environment: text('env'), severities: SEVERITIES.filter((severity) => named.includes(severity)), text: text('text'), traceId: text('trace') };
}

/** Turns one severity on or off; '' when all are shown. */
export function toggled(severities: readonly Severity[], severity: Severity): string {
  const next = SEVERITIES.filter((each) => (each === severity ? !severities.includes(each) : severities.includes(each)));
  return next.length === SEVERITIES.length ? '' : next.join(',');
}

export interface LogQuery {
  service?: string;
  environment?: string;
  severity?: string;
  text?: string;
  trace_id?: string;
}

export function queryOf({ service, environment, severities, text, traceId }: Wanted): LogQuery {
  return {
    ...(service !== '' && { service }),
    ...(environment !== '' && { environment }),
    ...(severities.length > 0 && { severity: severities.join(',') }),
    ...(text !== '' && { text }),
    ...(traceId !== '' && { trace_id: traceId }),
  };
}

/** What the live stream narrows by itself; `isOfTrace` does the rest. */
export function streamFilterOf({ service, environment, severities, text }: Wanted): LogFilter {
  return {
    ...(service !== '' && { services: [service] }),
    ...(environment !== '' && { environments: [environment] }),
    ...(severities.length > 0 && { severities: [...severities] }),
    ...(text !== '' && { text }),
  };
}

export const isOfTrace = (line: LogLine, traceId: string): boolean => traceId === '' || line.trace_id === traceId;

/** Counts by severity over time, whatever severities are chosen: the counts stand beside the choices. */
export function countsVql({ service, environment, text, traceId }: Wanted, start: number, end: number, stepS: number): string {
  const conditions = [
    service !== '' && `service_name = ${quoted(service)}`,
    environment !== '' && `environment = ${quoted(environment)}`,
    text !== '' && `body ILIKE ${quoted(`%${text.replace(/[\\%_]/g, '\\$&')}%`)}`,
    traceId !== '' && `trace_id = ${quoted(traceId)}`,
  ].filter((condition) => condition !== false);
  const where = conditions.length > 0 ? ` WHERE ${conditions.join(' AND ')}` : '';
  return `SELECT severity, count() FROM logs${where} SINCE ${start} UNTIL ${end} GROUP BY severity TIMESERIES ${stepS} SECONDS LIMIT 10000`;
}

const quoted = (text: string): string => `'${text.replaceAll("'", "''")}'`;

/** A name for a line, which has none of its own: the same for the same line, from the store and from the live stream. */
export function lineName({ timestamp, service_name, severity, body, span_id }: LogLine): string {
  let hash = 0x811c9dc5;
  // FNV-1a; the begin of a line and its length tell lines of one millisecond apart.
  for (const char of `${service_name} ${severity} ${span_id ?? ''} ${body.length} ${body.slice(0, 200)}`) hash = Math.imul(hash ^ char.codePointAt(0)!, 0x01000193);
  return `${timestamp}-${(hash >>> 0).toString(36)}`;
}

export interface NamedLine<Line extends LogLine = LogLine> {
  name: string;
  line: Line;
}

/** Live lines (newest last) and stored ones (newest first), newest first; a line that came by both ways once. Equal ones get a number. */
export function merged(live: readonly LogLine[], stored: readonly LogLine[]): NamedLine[] {
  const known = new Set(live.length > 0 ? stored.map(lineName) : []), counts = new Map<string, number>();
  const fresh = live.toReversed().filter((line) => !known.has(lineName(line)));
  // Live lines come as they arrive: those of several services are not quite in order.
  const all = fresh.length > 0 ? [...fresh, ...stored].sort((a, b) => b.timestamp - a.timestamp) : stored;
  return all.map((line) => {
    const name = lineName(line), count = counts.get(name) ?? 0;
    counts.set(name, count + 1);
    return { name: count === 0 ? name : `${name}.${count}`, line };
  });
}
