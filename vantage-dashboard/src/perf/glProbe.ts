import type { WebGLRenderer } from 'three';
import type { FrameStats } from './vantage';

const KEPT_FRAMES = 240;
/** The first frames compile shaders and fill buffers: a start, not a pace. */
const START_FRAMES = 12;

/** Counts what a renderer does. Wraps its context, so it is created under the test flag only. */
export class GlProbe {
  private readonly gl: WebGL2RenderingContext;
  private readonly jsMs = new Float64Array(KEPT_FRAMES);
  private readonly frameBytes = new Float64Array(KEPT_FRAMES);
  private frames = 0;
  private bytes = 0;
  private bytesAtStart = 0;
  private startedAt = 0;
  private draws = 0;
  private triangles = 0;
  tier = '';

  constructor(private readonly renderer: WebGLRenderer) {
    this.gl = renderer.getContext() as WebGL2RenderingContext;
    // The composer renders many passes a frame: count all of them.
    renderer.info.autoReset = false;
    this.countUploads();
  }

  begin(): void {
    this.renderer.info.reset();
    this.bytesAtStart = this.bytes;
    this.startedAt = performance.now();
  }

  end(): void {
    const steady = this.frames++ - START_FRAMES;
    if (steady >= 0) {
      this.jsMs[steady % KEPT_FRAMES] = performance.now() - this.startedAt;
      this.frameBytes[steady % KEPT_FRAMES] = this.bytes - this.bytesAtStart;
    }
    this.draws = this.renderer.info.render.calls;
    this.triangles = this.renderer.info.render.triangles;
  }

  stats(): FrameStats {
    const steadyFrames = Math.max(0, this.frames - START_FRAMES);
    const kept = Math.min(steadyFrames, KEPT_FRAMES);
    const sorted = [...this.jsMs.subarray(0, kept)].sort((a, b) => a - b);
    const total = this.frameBytes.subarray(0, kept).reduce((sum, bytes) => sum + bytes, 0);
    return {
      frames: this.frames,
      steadyFrames,
      draws: this.draws,
      triangles: this.triangles,
      bytes: this.bytes,
      bytesPerFrame: kept ? total / kept : 0,
      jsMs: { p50: sorted[Math.floor(kept * 0.5)] ?? 0, p95: sorted[Math.floor(kept * 0.95)] ?? 0 },
      tier: this.tier,
    };
  }

  /** The drawn colour at a CSS pixel; needs preserveDrawingBuffer. */
  probe(x: number, y: number): [number, number, number, number] {
    const ratio = this.renderer.getPixelRatio();
    const pixel = new Uint8Array(4);
    this.gl.bindFramebuffer(this.gl.FRAMEBUFFER, null);
    this.gl.readPixels(Math.round(x * ratio), this.gl.drawingBufferHeight - 1 - Math.round(y * ratio), 1, 1, this.gl.RGBA, this.gl.UNSIGNED_BYTE, pixel);
    return [pixel[0]!, pixel[1]!, pixel[2]!, pixel[3]!];
  }

  /** Share of pixels brighter (r+g+b) than the night. */
  coverage(threshold = 60): number {
    const { drawingBufferWidth: width, drawingBufferHeight: height } = this.gl;
    const pixels = new Uint8Array(width * height * 4);
    this.gl.bindFramebuffer(this.gl.FRAMEBUFFER, null);
    this.gl.readPixels(0, 0, width, height, this.gl.RGBA, this.gl.UNSIGNED_BYTE, pixels);
    let bright = 0;
    for (let i = 0; i < pixels.length; i += 4) if (pixels[i]! + pixels[i + 1]! + pixels[i + 2]! > threshold) bright++;
    return bright / (width * height);
  }

  private countUploads(): void {
    const { gl } = this;
    const count = (source: unknown, length: unknown) => {
      if (typeof source === 'number') this.bytes += source;
      else if (ArrayBuffer.isView(source)) {
        const unit = 'BYTES_PER_ELEMENT' in source ? Number(source.BYTES_PER_ELEMENT) : 1;
        this.bytes += typeof length === 'number' && length > 0 ? length * unit : source.byteLength;
      }
    };
    wrap(gl, 'bufferData', (args) => count(args[1], args[4]));
    wrap(gl, 'bufferSubData', (args) => count(args[2], args[4]));
    for (const call of ['texImage2D', 'texSubImage2D'] as const) wrap(gl, call, (args) => count(args[8], 0));
  }
}

type UploadCall = 'bufferData' | 'bufferSubData' | 'texImage2D' | 'texSubImage2D';

function wrap(gl: WebGL2RenderingContext, name: UploadCall, before: (args: unknown[]) => void): void {
  const original = (gl[name] as (...args: unknown[]) => void).bind(gl);
  Object.assign(gl, {
    [name]: (...args: unknown[]) => {
      before(args);
      original(...args);
    },
  });
}
