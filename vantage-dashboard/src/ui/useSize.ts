import { useCallback, useState, type RefCallback } from 'react';

/** CSS pixels of an element, as it grows and shrinks; 0 × 0 before it is there. */
export function useSize(): [RefCallback<Element>, { width: number; height: number }] {
  const [size, setSize] = useState({ width: 0, height: 0 });
  const ref = useCallback((element: Element | null) => {
    if (!element) return;
    const observer = new ResizeObserver(([entry]) => {
      const { width, height } = entry!.contentRect;
      setSize({ width, height });
    });
    observer.observe(element);
    return () => observer.disconnect();
  }, []);
  return [ref, size];
}
