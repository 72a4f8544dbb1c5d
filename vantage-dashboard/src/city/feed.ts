import type { CityEvent } from '../world/events';
import type { RequestColumns } from '../world/model';
import type { World } from '../world/world';

/** What the city needs from whoever feeds it. */
export interface CityFeed {
  world: World;
  /** Server epoch ms → local epoch ms. */
  toLocal: (serverMs: number) => number;
  /** Batches of requests that arrived since the last call. */
  takeRequests: () => RequestColumns[];
  /** What happened to services (deployed, scaled, unhealthy, …) since the last call; each is shown at its building for a while. */
  takeEvents?: () => CityEvent[];
  /** Calls back when there is something else to show; returns the way to stop that. */
  onArrival: (callback: () => void) => () => void;
}
