import { expect, it } from 'vitest';
import { ServerClock } from './serverClock';

it('believes the message that travelled fastest', () => {
  const clock = new ServerClock();
  for (const [sent, delay] of [[0, 80], [100, 20], [200, 300]] as const) clock.observe(5000 + sent, sent + delay);
  expect(clock.offsetMs).toBe(4980);
  expect(clock.toLocal(6000)).toBe(1020);
});

it('forgets what is older than its window, so a clock that drifts is followed', () => {
  const clock = new ServerClock(1000);
  clock.observe(5000, 0);
  clock.observe(6400, 1500);
  expect(clock.offsetMs).toBe(4900);
});

it('assumes equal clocks before the first message', () => {
  const clock = new ServerClock();
  expect(clock.known).toBe(false);
  expect(clock.toLocal(42)).toBe(42);
});
