import { BlendFunction, BloomEffect, EffectComposer, EffectPass, RenderPass, FXAAEffect, ToneMappingEffect, ToneMappingMode, VignetteEffect } from 'postprocessing';
import { HalfFloatType, type Camera, type Scene, type WebGLRenderer } from 'three';

/** What is done to the picture after the city is drawn: light blooms at night, edges are smoothed, corners darken. */
export class Effects {
  private readonly composer: EffectComposer;
  private readonly night: EffectPass;
  private readonly day: EffectPass;
  private readonly vignette = new VignetteEffect({ offset: 0.3, darkness: 0.62 });

  constructor(
    private readonly renderer: WebGLRenderer,
    scene: Scene,
    camera: Camera,
  ) {
    const bloom = new BloomEffect({ blendFunction: BlendFunction.ADD, mipmapBlur: true, luminanceThreshold: 0.22, luminanceSmoothing: 0.35, intensity: 0.85, radius: 0.72, levels: 5, resolutionScale: 0.5 });
    const toned = () => new ToneMappingEffect({ mode: ToneMappingMode.NEUTRAL });
    this.composer = new EffectComposer(renderer, { multisampling: 0, stencilBuffer: false, frameBufferType: HalfFloatType });
    this.night = new EffectPass(camera, bloom, toned());
    // By day nothing glows: a white wall would bloom like a lamp.
    this.day = new EffectPass(camera, toned());
    this.composer.addPass(new RenderPass(scene, camera));
    this.composer.addPass(this.night);
    this.composer.addPass(this.day);
    this.composer.addPass(new EffectPass(camera, new FXAAEffect(), this.vignette));
    this.setDay(false);
  }

  setDay(day: boolean): void {
    this.night.enabled = !day;
    this.day.enabled = day;
    this.vignette.darkness = day ? 0.22 : 0.62;
  }

  setSize(width: number, height: number): void {
    this.composer.setSize(width, height);
  }

  render(seconds: number): void {
    this.composer.render(seconds);
  }

  dispose(): void {
    this.composer.dispose();
    // The composer cleared for itself.
    this.renderer.autoClear = true;
  }
}
