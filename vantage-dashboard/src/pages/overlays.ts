import type { Overlay } from '../city/labels/cull';

const COVERS = '[data-covers]';
/** Panels open and close; they do not run. */
const REMEMBERED_MS = 400;

/** Reads where the panels marked with data-covers are; measures at most every few hundred milliseconds. */
export function overlayReader(page: Document = document): () => readonly Overlay[] {
  let read = -Infinity;
  let overlays: Overlay[] = [];
  return () => {
    const now = performance.now();
    if (now - read < REMEMBERED_MS) return overlays;
    read = now;
    overlays = [...page.querySelectorAll(COVERS)].map((element) => element.getBoundingClientRect());
    return overlays;
  };
}
