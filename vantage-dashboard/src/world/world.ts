import { Columns } from './columns';
import { HEALTH_UNKNOWN, type District, type Edge, type Hello, type RegistryDelta, type ServiceEntry, type ServiceRow, type StatusCode, type TickColumns } from './model';
import { toStatus } from './status';

const orNull = (value: number): number | null => (Number.isNaN(value) ? null : value);

/**
 * The state of the city, kept from a hello, registry deltas and ticks.
 * Readers compare versions instead of subscribing: a frame that sees an unchanged version does nothing.
 */
export class World {
  readonly services = new Map<number, ServiceEntry>();
  readonly edges = new Map<number, Edge>();
  readonly columns = new Columns();
  districts: readonly District[] = [];

  /** Buildings, districts or edges changed. */
  layoutVersion = 0;
  /** Numbers changed: a tick that repeats what is known leaves it as it is. */
  tickVersion = 0;
  /** Server time of the newest tick, 0 before the first. */
  tickTime = 0;
  /** Highest slot ever used, plus one. */
  slotCount = 0;

  private readonly slotById = new Map<string, number>();

  applyHello(hello: Hello): void {
    const kept = new Set(hello.services.map((service) => service.slot));
    for (const slot of [...this.services.keys()]) if (!kept.has(slot)) this.remove(slot);
    this.edges.clear();
    this.applyRegistry({
      districts: hello.districts,
      services: { upsert: hello.services, remove: [] },
      edges: { upsert: hello.edges, remove: [] },
    });
  }

  applyRegistry(delta: RegistryDelta): void {
    this.districts = delta.districts;
    for (const slot of delta.services.remove) this.remove(slot);
    for (const entry of delta.services.upsert) this.upsert(entry);
    for (const id of delta.edges.remove) this.edges.delete(id);
    for (const edge of delta.edges.upsert) this.edges.set(edge.id, edge);
    this.layoutVersion++;
  }

  /** Entries of slots that are not registered are ignored: they left while the tick was on its way. */
  applyTick(tick: TickColumns): void {
    const { columns } = this;
    let changed = false;
    for (let i = 0; i < tick.slot.length; i++) {
      const slot = tick.slot[i]!;
      if (!this.services.has(slot)) continue;
      changed = columns.put(slot, tick, i) || changed;
    }
    if (changed || this.tickTime === 0) this.tickVersion++;
    this.tickTime = tick.time;
  }

  /** Shows what another world shows. What stands in both stays where it is. */
  become(other: World): void {
    this.applyHello({ districts: [...other.districts], services: [...other.services.values()], edges: [...other.edges.values()] });
    this.columns.ensure(other.columns.capacity);
    this.columns.take(other.columns);
    this.tickTime = other.tickTime;
    this.tickVersion++;
  }

  /** Another one each time that a reader sees something else. */
  get version(): string {
    return `${this.layoutVersion}/${this.tickVersion}`;
  }

  slotOf(id: string): number | undefined {
    return this.slotById.get(id);
  }

  row(slot: number): ServiceRow | undefined {
    const entry = this.services.get(slot);
    if (!entry) return undefined;
    const { columns } = this;
    const health = columns.health[slot]!;
    return {
      ...entry,
      pods: columns.pods[slot]!,
      rps: columns.rps[slot]!,
      errorRatio: orNull(columns.errorRatio[slot]!),
      p95Ms: orNull(columns.p95Ms[slot]!),
      health: health === HEALTH_UNKNOWN ? null : health,
      status: this.statusOf(slot),
    };
  }

  rows(): ServiceRow[] {
    return [...this.services.keys()].map((slot) => this.row(slot)!);
  }

  statusOf(slot: number): StatusCode {
    return toStatus(this.columns.status[slot]!);
  }

  private upsert(entry: ServiceEntry): void {
    const former = this.services.get(entry.slot);
    if (former && former.id !== entry.id) this.remove(entry.slot);
    this.columns.ensure(entry.slot + 1);
    this.slotCount = Math.max(this.slotCount, entry.slot + 1);
    this.services.set(entry.slot, entry);
    this.slotById.set(entry.id, entry.slot);
  }

  private remove(slot: number): void {
    const entry = this.services.get(slot);
    if (!entry) return;
    this.services.delete(slot);
    if (this.slotById.get(entry.id) === slot) this.slotById.delete(entry.id);
    this.columns.clear(slot);
  }
}
