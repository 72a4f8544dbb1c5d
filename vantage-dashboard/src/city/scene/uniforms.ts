import * as THREE from 'three';
import { STATUS_RGB } from '../encoding';
import { LOAD_S, RISE_S } from '../fleet';

/** One object each, shared by every material: setting a value once reaches all of them. */
export function createUniforms() {
  return {
    uTime: { value: 0 },
    uStatus: { value: STATUS_RGB.map(([r, g, b]) => new THREE.Vector3(r, g, b)) },
    uHazeScale: { value: 0.008 },
    uRiseSeconds: { value: RISE_S },
    uLoadSeconds: { value: LOAD_S },
    uSelected: { value: -1 },
    uHovered: { value: -1 },
    /** Middle of the selected building; w is 1 while there is one. */
    uFocus: { value: new THREE.Vector4(0, 0, 0, 0) },
    /** 0 by night, 1 by day. */
    uDay: { value: 0 },
    uMotion: { value: 1 },
    uReflect: { value: 0 },
    uPixelRatio: { value: 1 },
    uViewportHeight: { value: 900 },
    uCurves: { value: null as THREE.DataTexture | null },
  };
}

export type CityUniforms = ReturnType<typeof createUniforms>;

export function material(uniforms: CityUniforms, vertexShader: string, fragmentShader: string, options: Partial<THREE.ShaderMaterialParameters> = {}, own: Record<string, THREE.IUniform> = {}): THREE.ShaderMaterial {
  const made = new THREE.ShaderMaterial({ vertexShader, fragmentShader, ...options });
  // Assigned, not passed: the constructor would clone, and the values would no longer be shared.
  made.uniforms = { ...uniforms, ...own };
  return made;
}

/** Light on light adds nothing: see glowOutput in glsl.ts for how the alpha channel decides between adding and covering. */
export const GLOWING = { blending: THREE.CustomBlending, blendEquation: THREE.AddEquation, blendSrc: THREE.OneFactor, blendDst: THREE.OneMinusSrcAlphaFactor } as const;

/** Positions come from attributes the renderer cannot bound, so it must not cull. */
export function unculled<T extends THREE.Object3D>(object: T, renderOrder = 0): T {
  object.frustumCulled = false;
  object.renderOrder = renderOrder;
  return object;
}

/** What is painted onto the ground, bottom up; nothing of it writes depth. */
export const LAYER = { sky: -10, mirror: -5, ground: 1, plots: 2, signs: 3, glow: 4, edges: 6, rings: 7, traffic: 8, beacons: 9 } as const;
