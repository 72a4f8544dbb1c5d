/** How numbers become form. Pure, so that a legend, a test and a shader can agree on it. */

/** Metres of the city's own scale; one lot carries one building. */
export const LOT = 3.3;

const GROUND_FLOOR = 1.1;
const FLOOR = 0.85;
/** Above this many pods a floor gets thinner, or one large service would leave the picture. */
const LINEAR_PODS = 16;

/** Body height of a building. Even a service without pods keeps a visible hut. */
export function heightOf(pods: number): number {
  const counted = Math.max(1, pods);
  const floors = counted <= LINEAR_PODS ? counted : LINEAR_PODS * (1 + 0.5 * Math.log2(counted / LINEAR_PODS));
  return GROUND_FLOOR + FLOOR * floors;
}

/** The ring has five segments, one a decade: 0.1 → 1 → 10 → 100 → 1000 → 10 000 requests a second. */
export const LOAD_DECADES = 5;
const FIRST_DECADE_LOG10 = -1;

/** 0 (idle) to 1 (ten thousand requests a second), logarithmic. */
export function loadOf(rps: number): number {
  if (!(rps > 0)) return 0;
  return clamp01((Math.log10(rps) - FIRST_DECADE_LOG10) / LOAD_DECADES);
}

const SLOWEST_SPIN = 0.25;
const FASTEST_SPIN = 2 * Math.PI;

/** Angular speed of a ring in rad/s: still when idle, one turn a second at the top. */
export function spinOf(load: number): number {
  return load <= 0 ? 0 : SLOWEST_SPIN * (FASTEST_SPIN / SLOWEST_SPIN) ** load;
}

/** A flight is never instant: distances in the city have to be followed by the eye. */
const FASTEST_FLIGHT_S = 0.9;
const SLOWEST_FLIGHT_S = 4.5;
const SLOW_REQUEST_MS = 10_000;

/** How long a particle flies, by the duration of its request (logarithmic). */
export function flightSeconds(durationMs: number): number {
  const slowness = clamp01(Math.log10(1 + Math.max(0, durationMs)) / Math.log10(1 + SLOW_REQUEST_MS));
  return FASTEST_FLIGHT_S + (SLOWEST_FLIGHT_S - FASTEST_FLIGHT_S) * slowness ** 2;
}

const NARROWEST = 2.0;
const WIDEST = 2.6;

/** Width of a building: no meaning, only so that a street is not a row of clones. Stable for an id. */
export function widthOf(seed: number): number {
  return NARROWEST + (WIDEST - NARROWEST) * (seed / SEEDS);
}

const SEEDS = 1024;

/** A small stable number for an id (FNV-1a), exact in a float32. */
export function seedOf(id: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < id.length; i++) hash = Math.imul(hash ^ id.charCodeAt(i), 0x01000193);
  return (hash >>> 0) % SEEDS;
}

/** Linear RGB of a status; the shaders get it as uniforms, so this is its only home in the city. */
export const STATUS_RGB: readonly (readonly [number, number, number])[] = [
  [0.2, 0.25, 0.33], // unknown: dim grey
  [0.04, 0.56, 0.88], // healthy: cyan
  [1.0, 0.47, 0.04], // degraded: amber
  [1.0, 0.035, 0.11], // unhealthy: red
];

/** The same by day: deep enough to be told on a pale wall. */
export const STATUS_RGB_DAY: typeof STATUS_RGB = [
  [0.16, 0.19, 0.24],
  [0.0, 0.17, 0.4],
  [0.62, 0.2, 0.0],
  [0.62, 0.0, 0.03],
];

export function clamp01(value: number): number {
  return Math.min(1, Math.max(0, value));
}
