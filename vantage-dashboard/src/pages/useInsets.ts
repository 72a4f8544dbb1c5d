import { useEffect, useMemo, useState } from 'react';

const PHONE_PX = 900;

/** How much of the view the panels cover, so that the camera frames the city in what is left. */
export function useInsets({ panel, logs }: { panel: boolean; logs: boolean }) {
  const [size, setSize] = useState(() => ({ width: window.innerWidth, height: window.innerHeight }));
  useEffect(() => {
    const measure = () => setSize({ width: window.innerWidth, height: window.innerHeight });
    window.addEventListener('resize', measure);
    return () => window.removeEventListener('resize', measure);
  }, []);
  return useMemo(() => {
    const { width, height } = size;
    if (width < PHONE_PX) return { left: 0.02, right: 0.02, top: Math.min(0.32, 232 / height), bottom: panel ? 0.5 : Math.min(0.3, 130 / height) };
    // The list of what is wrong lies over one corner only.
    const corner = { width: Math.min(0.4, 262 / width), height: Math.min(0.5, 250 / height) };
    return { corner, left: 0.02, right: panel ? Math.min(0.5, 390 / width) : 0.02, top: 98 / height, bottom: Math.min(0.4, (logs ? 200 : 76) / height) };
  }, [size, panel, logs]);
}
