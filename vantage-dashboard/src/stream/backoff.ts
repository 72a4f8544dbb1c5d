const FIRST_MS = 500;
const LONGEST_MS = 10_000;

/**
 * Wait before the n-th attempt (0 = first retry): exponential, with the upper half random,
 * so that a hundred dashboards do not return in the same millisecond as the server.
 */
export function backoffMs(attempt: number, random: () => number): number {
  const full = Math.min(LONGEST_MS, FIRST_MS * 2 ** Math.min(attempt, 10));
  return full / 2 + (full / 2) * random();
}
