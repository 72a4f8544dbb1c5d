import { useCallback } from 'react';
import type { Insets } from '../city/camera/rig';

/** As the style sheets have it: of the window, of which the navigation takes a part. */
const PHONE_PX = 900;

/** How much of a city of a given size the panels cover, so that the camera frames it in what is left. */
export function useInsets({ panel, logs }: { panel: boolean; logs: boolean }): (size: { width: number; height: number }) => Insets {
  return useCallback(
    ({ width, height }) => {
      if (window.innerWidth <= PHONE_PX) return { left: 0.02, right: 0.02, top: Math.min(0.32, 232 / height), bottom: panel ? 0.5 : Math.min(0.42, 282 / height) };
      // The list of what is wrong lies over one corner only.
      const corner = { width: Math.min(0.4, 262 / width), height: Math.min(0.5, 250 / height) };
      return { corner, left: 0.02, right: panel ? Math.min(0.5, 390 / width) : 0.02, top: 98 / height, bottom: Math.min(0.4, (logs ? 268 : 144) / height) };
    },
    [panel, logs],
  );
}
