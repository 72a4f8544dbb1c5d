/** Lengths of time as people write and read them. Pure. */

const UNITS_S: Record<string, number> = { s: 1, m: 60, h: 3600, d: 86_400 };

/** Seconds of "90s", "5m", "1h 30m", "2d" or a bare number of seconds; null where it is none of these. */
export function secondsOf(text: string): number | null {
  const plain = text.trim().toLowerCase();
  if (/^\d+$/.test(plain)) return Number(plain);
  if (!/^(\d+(\.\d+)?\s*[smhd](in|ec)?\s*)+$/.test(plain)) return null;
  const seconds = [...plain.matchAll(/(\d+(?:\.\d+)?)\s*([smhd])/g)].reduce((sum, [, count, unit]) => sum + Number(count) * UNITS_S[unit!]!, 0);
  return Math.round(seconds);
}

/** As `secondsOf` takes it back: "5m", "1h 30m"; "0s" for nothing. */
export function spanText(seconds: number): string {
  return parts(seconds, ([unit, count]) => `${count}${unit}`);
}

/** "5 min", "1 h 30 min". */
export function spanWords(seconds: number): string {
  return parts(seconds, ([unit, count]) => `${count} ${unit === 'm' ? 'min' : unit}`);
}

/** The two greatest units of a time that goes on, "just now" below five seconds. */
export function ageWords(ms: number): string {
  const seconds = Math.floor(ms / 1000);
  if (seconds < 5) return 'just now';
  const unit = seconds < 60 ? 1 : seconds < 86_400 ? 60 : 3600;
  return spanWords(Math.floor(seconds / unit) * unit);
}

function parts(seconds: number, word: (part: [string, number]) => string): string {
  let rest = seconds;
  const found: [string, number][] = [];
  for (const unit of ['d', 'h', 'm', 's']) {
    const count = Math.floor(rest / UNITS_S[unit]!);
    rest -= count * UNITS_S[unit]!;
    if (count > 0) found.push([unit, count]);
  }
  return found.length === 0 ? word(['s', 0]) : found.map(word).join(' ');
}
