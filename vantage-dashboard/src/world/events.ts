import { Status, type ServiceRow } from './model';
import { statusLook } from './status';

/** What happened to services: read off two states of the city that follow each other. Pure. */

export type EventKind = 'deployed' | 'scaled-up' | 'scaled-down' | 'unhealthy' | 'recovered' | 'arrived' | 'left' | 'fired' | 'resolved';

export interface CityEvent {
  /** Equal for the same happening, however often it is found. */
  key: string;
  /** Server epoch ms. */
  at: number;
  kind: EventKind;
  /** As the city has it; null where the event names a service that is not in it. */
  serviceId: string | null;
  /** A whole sentence. */
  words: string;
}

export interface EventLook {
  glyph: string;
  tone: 'unhealthy' | 'degraded' | 'healthy' | 'accent';
  word: string;
}

const LOOKS: Record<EventKind, EventLook> = {
  fired: { glyph: '◆', tone: 'unhealthy', word: 'Alert' },
  unhealthy: { glyph: '◆', tone: 'unhealthy', word: 'Incident' },
  resolved: { glyph: '◇', tone: 'healthy', word: 'Resolved' },
  recovered: { glyph: '●', tone: 'healthy', word: 'Recovered' },
  deployed: { glyph: '⬆', tone: 'accent', word: 'Deploy' },
  'scaled-up': { glyph: '＋', tone: 'accent', word: 'Scaled up' },
  'scaled-down': { glyph: '－', tone: 'accent', word: 'Scaled down' },
  arrived: { glyph: '＋', tone: 'accent', word: 'New' },
  left: { glyph: '－', tone: 'accent', word: 'Gone' },
};

export const eventLook = (kind: EventKind): EventLook => LOOKS[kind];

/** What a person looks for first. */
const WEIGHT: readonly EventKind[] = ['fired', 'unhealthy', 'deployed', 'scaled-up', 'scaled-down', 'recovered', 'resolved', 'left', 'arrived'];

export const weightOf = (kind: EventKind): number => WEIGHT.indexOf(kind);

/** By time; of one service and kind the first within this time speaks for the others. */
const SAME_MS = 60_000;

export function mergeEvents(...lists: readonly (readonly CityEvent[])[]): CityEvent[] {
  const all = lists.flat().sort((a, b) => a.at - b.at || weightOf(a.kind) - weightOf(b.kind));
  const last = new Map<string, number>();
  return all.filter(({ kind, serviceId, words, at }) => {
    const what = `${kind} ${serviceId} ${kind === 'deployed' || kind === 'fired' ? words : ''}`;
    const before = last.get(what);
    if (before !== undefined && at - before < SAME_MS) return false;
    last.set(what, at);
    return true;
  });
}

/** A rolling deploy starts instances before it stops others; that alone is no scaling. */
const DEPLOY_MS = 120_000;

export function withoutRollouts(events: readonly CityEvent[]): CityEvent[] {
  const deploys = events.filter(({ kind }) => kind === 'deployed');
  const isRollout = (event: CityEvent) => deploys.some(({ serviceId, at }) => serviceId === event.serviceId && Math.abs(event.at - at) < DEPLOY_MS);
  return events.filter((event) => !event.kind.startsWith('scaled') || !isRollout(event));
}

/** What a service is known by while it is watched. */
interface Watched {
  pods: Seen<number>;
  unhealthy: Seen<boolean>;
}

/** What counts, and what was seen last; that counts when it is seen again, from when it was seen first. */
interface Seen<T> {
  value: T;
  next: T;
  since: number;
}

/** Fewer than this share of the pods coming or going is breathing, not scaling. */
const SCALED_UP = 1.5;
const SCALED_DOWN = 0.67;

/** Watches the city pass by, state after state, and tells what happened. What is seen once only is not told. */
export class Watcher {
  private services: Map<string, Watched> | null = null;
  private readonly names = new Map<string, string>();

  /** Forgets what it saw: the next state follows none. */
  reset(): void {
    this.services = null;
  }

  see(rows: readonly ServiceRow[], at: number): CityEvent[] {
    const before = this.services;
    const now = new Map<string, Watched>();
    const events: CityEvent[] = [];
    const tell = (kind: EventKind, id: string, words: string, since = at) => events.push({ key: `${kind} ${id} ${since}`, at: since, kind, serviceId: id, words });
    for (const row of rows) {
      this.names.set(row.id, row.name);
      const last = before?.get(row.id);
      if (before !== null && last === undefined) tell('arrived', row.id, `${row.name} entered the city`);
      now.set(row.id, last === undefined ? first(row, at) : follow(last, row, at, (kind, words, since) => tell(kind, row.id, words, since)));
    }
    for (const id of before?.keys() ?? []) if (!now.has(id)) tell('left', id, `${this.names.get(id) ?? id} left the city`);
    this.services = now;
    return events;
  }
}

const isUnhealthy = ({ status }: ServiceRow): boolean => status === Status.UNHEALTHY;

const first = (row: ServiceRow, at: number): Watched => ({
  pods: { value: row.pods, next: row.pods, since: at },
  unhealthy: { value: isUnhealthy(row), next: isUnhealthy(row), since: at },
});

const seen = <T>(last: Seen<T>, next: T, at: number): Seen<T> =>
  next === last.next ? { value: next, next, since: last.since } : { value: last.value, next, since: at };

function follow(last: Watched, row: ServiceRow, at: number, tell: (kind: EventKind, words: string, since: number) => void): Watched {
  const pods = seen(last.pods, row.pods, at), unhealthy = seen(last.unhealthy, isUnhealthy(row), at);
  const before = last.pods.value;
  if (pods.value !== before) {
    const kind = before > 0 && pods.value >= before * SCALED_UP ? 'scaled-up' : pods.value > 0 && pods.value <= before * SCALED_DOWN ? 'scaled-down' : null;
    if (kind) tell(kind, `${row.name} scaled ${kind === 'scaled-up' ? 'up' : 'down'}: ${before} → ${pods.value} pods`, pods.since);
  }
  if (unhealthy.value !== last.unhealthy.value) {
    if (unhealthy.value) tell('unhealthy', `${row.name} is unhealthy${row.health === null ? '' : `: score ${row.health}`}`, unhealthy.since);
    else tell('recovered', `${row.name} is ${statusLook(row.status).word.toLowerCase()} again`, unhealthy.since);
  }
  return { pods, unhealthy };
}

/** Requests of one version of a service over time, in steps. */
export interface VersionSeries {
  serviceId: string;
  service: string;
  version: string;
  points: readonly (readonly [number, number | null])[];
}

/** A version answers while another did before: that is a deploy. One that was seen within this many steps never went. */
const GONE_STEPS = 3;

export function deploysOf(series: readonly VersionSeries[]): CityEvent[] {
  const services = new Map<string, VersionSeries[]>();
  for (const each of series) if (each.version !== '') services.set(each.serviceId, [...(services.get(each.serviceId) ?? []), each]);
  const events: CityEvent[] = [];
  for (const [serviceId, versions] of services) {
    const steps = Math.max(...versions.map(({ points }) => points.length));
    const lastSeen = new Map<string, number>();
    let served = 0;
    for (let step = 0; step < steps; step++) {
      const active = versions.filter(({ points }) => (points[step]?.[1] ?? 0) > 0);
      if (active.length === 0) continue;
      for (const { version, service, points } of active) {
        const at = points[step]![0];
        const isBack = served - (lastSeen.get(version) ?? -Infinity) > GONE_STEPS;
        if (isBack && served > 0) events.push({ key: `deployed ${serviceId} ${version} ${at}`, at, kind: 'deployed', serviceId, words: `${service} deployed ${version}` });
        lastSeen.set(version, served);
      }
      served++;
    }
  }
  return events;
}
