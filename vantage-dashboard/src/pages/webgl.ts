/** Whether this browser can draw the city at all. Asked before the 3D code is even loaded. */
export function hasWebGL2(): boolean {
  try {
    const gl = document.createElement('canvas').getContext('webgl2');
    // Browsers allow only a handful of live contexts: give this one back at once.
    gl?.getExtension('WEBGL_lose_context')?.loseContext();
    return gl !== null;
  } catch {
    return false;
  }
}
