import { chooseQuality, TIERS } from '../../city/quality';

/** What this browser can draw. Asked once: each question costs a drawing context. */

export interface Drawing {
  hasWebGL2: boolean;
  /** As the browser calls it; null where it does not say. */
  renderer: string | null;
  isSoftware: boolean;
}

export function askDrawing(): Drawing {
  const gl = context();
  if (!gl) return { hasWebGL2: false, renderer: null, isSoftware: false };
  const named = gl.getExtension('WEBGL_debug_renderer_info');
  const renderer = String(gl.getParameter(named?.UNMASKED_RENDERER_WEBGL ?? gl.RENDERER));
  // Browsers allow only a handful of live contexts: give this one back at once.
  gl.getExtension('WEBGL_lose_context')?.loseContext();
  return { hasWebGL2: true, renderer, isSoftware: chooseQuality(new URLSearchParams(), renderer).tier === TIERS.low };
}

function context(): WebGL2RenderingContext | null {
  try {
    return document.createElement('canvas').getContext('webgl2');
  } catch {
    return null;
  }
}
