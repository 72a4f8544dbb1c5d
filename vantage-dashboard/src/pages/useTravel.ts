import { useCallback, useEffect, useRef } from 'react';
import { useApp, type ChangeView } from '../app/context';
import type { ViewState } from '../app/view';

const NOTED_EVERY_MS = 5000;
const REPLAYED_MS = 5 * 60_000;

export interface Travel {
  /** `done` is false while a handle is being dragged. */
  seek: (at: number, done: boolean) => void;
  play: (playing: boolean) => void;
  setSpeed: (speed: number) => void;
  toLive: () => void;
}

/** Keeps the replay where the address says, and the address where the replay is. */
export function useTravel({ at, speed, playing }: ViewState, change: ChangeView): Travel {
  const { session } = useApp();
  /** The position that playing itself has written down. */
  const noted = useRef<number | null>(null);

  const toLive = useCallback(() => change({ at: null, speed: 1, playing: false }), [change]);
  const caughtUp = useCallback(() => change({ at: null, speed: 1, playing: false }, { replace: true }), [change]);

  useEffect(() => {
    if (at === null) session.leavePast();
    else if (at !== noted.current) session.visit(at, { speed, playing, onCaughtUp: caughtUp });
  }, [session, at, speed, playing, caughtUp]);

  useEffect(() => () => session.leavePast(), [session]);

  useEffect(() => {
    if (!playing) return;
    const timer = window.setInterval(() => {
      const past = session.past.getState();
      if (past === null || document.hidden) return;
      noted.current = Math.round(past.at);
      change({ at: past.at }, { replace: true });
    }, NOTED_EVERY_MS);
    return () => {
      window.clearInterval(timer);
      noted.current = null;
    };
  }, [session, playing, speed, change]);

  /** Where the replay is now; the address may be seconds behind. */
  const here = useCallback(() => session.past.getState()?.at ?? null, [session]);

  const seek = useCallback(
    (wanted: number, done: boolean) => {
      const position = Math.min(Math.round(wanted), Math.floor(session.serverNow()) - 1000);
      if (done) {
        noted.current = null;
        change({ at: position }, { replace: at !== null });
      } else if (session.past.getState() === null) session.visit(position, { speed, playing: false, onCaughtUp: caughtUp });
      else session.scrub(position);
    },
    [session, change, at, speed, caughtUp],
  );

  const play = useCallback(
    (wanted: boolean) => {
      noted.current = null;
      change({ playing: wanted, at: here() ?? session.serverNow() - REPLAYED_MS }, { replace: here() !== null });
    },
    [session, change, here],
  );

  const setSpeed = useCallback(
    (wanted: number) => {
      noted.current = null;
      change({ speed: wanted, ...(here() !== null && { at: here() }) }, { replace: true });
    },
    [change, here],
  );

  return { seek, play, setSpeed, toLive };
}
