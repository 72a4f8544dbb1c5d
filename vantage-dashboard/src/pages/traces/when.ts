import { clockTime } from '../../ui/format';

/** The time of day, with the day in front where it is another one than that of `now`. */
export function whenText(epochMs: number, now = Date.now()): string {
  const day = new Date(epochMs);
  const isToday = day.toDateString() === new Date(now).toDateString();
  return isToday ? clockTime(epochMs) : `${day.toLocaleDateString(undefined, { month: 'short', day: 'numeric' })} ${clockTime(epochMs, false)}`;
}
