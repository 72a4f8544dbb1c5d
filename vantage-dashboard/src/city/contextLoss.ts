/** A browser gives a lost context back within moments, or not at all. */
const RESTORED_WITHIN_MS = 6000;

export interface ContextLossHandlers {
  onRestored: () => void;
  /** It did not come back in time. */
  onGone: () => void;
}

/** Watches a canvas for the loss of its WebGL context (a driver reset, too many tabs). Returns how to stop. */
export function watchContext(canvas: HTMLCanvasElement, { onRestored, onGone }: ContextLossHandlers): () => void {
  let waiting: number | undefined;
  const lost = (e: Event) => {
    // Without this the browser would not even try to restore it.
    e.preventDefault();
    waiting = window.setTimeout(onGone, RESTORED_WITHIN_MS);
  };
  const restored = () => {
    window.clearTimeout(waiting);
    onRestored();
  };
  canvas.addEventListener('webglcontextlost', lost);
  canvas.addEventListener('webglcontextrestored', restored);
  return () => {
    window.clearTimeout(waiting);
    canvas.removeEventListener('webglcontextlost', lost);
    canvas.removeEventListener('webglcontextrestored', restored);
  };
}
