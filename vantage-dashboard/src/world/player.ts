/** Where a replay is. Pure; times are epoch ms, `since` on the clock that is passed in. */

export interface Playhead {
  /** The position at `since`, or while paused. */
  at: number;
  speed: number;
  since: number | null;
}

export const SPEEDS = [1, 2, 5, 10, 30, 60] as const;

export const positionOf = ({ at, speed, since }: Playhead, now: number): number => (since === null ? at : at + (now - since) * speed);

export const moved = (head: Playhead, at: number, now: number): Playhead => ({ ...head, at, since: head.since === null ? null : now });
export const played = (head: Playhead, now: number): Playhead => ({ ...head, at: positionOf(head, now), since: now });
export const paused = (head: Playhead, now: number): Playhead => ({ ...head, at: positionOf(head, now), since: null });
export const atSpeed = (head: Playhead, speed: number, now: number): Playhead => ({ at: positionOf(head, now), speed, since: head.since === null ? null : now });

/** The nearest speed there is to what an address says. */
export function speedOf(text: string | null): number {
  const wanted = Number(text);
  return SPEEDS.reduce<number>((best, speed) => (Math.abs(speed - wanted) < Math.abs(best - wanted) ? speed : best), 1);
}
