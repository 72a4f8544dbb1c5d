/** What the city is made of, as the wire names it. Positions and sizes count lots; ratios are 0–1. */

export const Status = { UNKNOWN: 0, HEALTHY: 1, DEGRADED: 2, UNHEALTHY: 3 } as const;
export type StatusCode = (typeof Status)[keyof typeof Status];

/** The wire's "no score yet". */
export const HEALTH_UNKNOWN = 255;

export interface District {
  name: string;
  x: number;
  z: number;
  width: number;
  depth: number;
}

export interface ServiceEntry {
  slot: number;
  /** environment/name: unique, and the key of deep links. */
  id: string;
  name: string;
  environment: string;
  district: string;
  x: number;
  z: number;
}

export interface Edge {
  id: number;
  /** The caller's slot; null is the ingress. */
  from: number | null;
  to: number;
}

export interface Hello {
  districts: District[];
  services: ServiceEntry[];
  edges: Edge[];
}

export interface RegistryDelta {
  districts: District[];
  services: { upsert: ServiceEntry[]; remove: number[] };
  edges: { upsert: Edge[]; remove: number[] };
}

/** One decoded tick, as columns of equal length. NaN and HEALTH_UNKNOWN mean "no value". */
export interface TickColumns {
  time: number;
  slot: Uint16Array;
  pods: Uint16Array;
  rps: Float32Array;
  errorRatio: Float32Array;
  p95Ms: Float32Array;
  health: Uint8Array;
  status: Uint8Array;
}

/** One decoded batch of requests, as columns of equal length. */
export interface RequestColumns {
  /** Start of the second to play them in, on the server's clock. */
  time: number;
  /** One particle stands for this many requests. */
  sample: number;
  edge: Uint16Array;
  offsetMs: Uint16Array;
  durationMs: Uint16Array;
  error: Uint8Array;
}

/** A service with its newest numbers, for lists, tables and cards. */
export interface ServiceRow extends ServiceEntry {
  pods: number;
  rps: number;
  errorRatio: number | null;
  p95Ms: number | null;
  health: number | null;
  status: StatusCode;
}
