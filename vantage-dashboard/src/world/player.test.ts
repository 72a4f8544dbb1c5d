import { describe, expect, it } from 'vitest';
import { atSpeed, moved, paused, played, positionOf, speedOf } from './player';

describe('a playhead', () => {
  const head = { at: 1000, speed: 10, since: null };
  it('stands while paused', () => expect(positionOf(head, 99_999)).toBe(1000));
  it('runs at its speed', () => expect(positionOf(played(head, 500), 700)).toBe(3000));
  it('stops where it is', () => expect(positionOf(paused(played(head, 500), 700), 9999)).toBe(3000));
  it('changes its speed without a jump', () => {
    const faster = atSpeed(played(head, 500), 60, 700);
    expect([positionOf(faster, 700), positionOf(faster, 800)]).toEqual([3000, 9000]);
  });
  it('goes on playing from where it is moved to', () => expect(positionOf(moved(played(head, 0), 50, 1000), 1001)).toBe(60));
});

it.each([[null, 1], ['1', 1], ['10', 10], ['57', 60], ['fast', 1], ['-3', 1]])('speed %j → %i', (text, speed) => expect(speedOf(text)).toBe(speed));
