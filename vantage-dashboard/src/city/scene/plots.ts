import * as THREE from 'three';
import { LOT } from '../encoding';
import { HALF_AVENUE, type Rect } from '../plan';
import { COMMON, OUTPUT } from './glsl';
import { setInstances } from './instances';
import { LAYER, material, unculled, type CityUniforms } from './uniforms';

/** A district's plot with its border and lot marks, and the half of the avenue that runs around it. */

const VERTEX = /* glsl */ `
attribute vec4 aRect; // centre x, z, half width, half depth
varying vec3 vWorld;
varying vec2 vAt;
flat varying vec2 vHalf;
void main() {
  vHalf = aRect.zw;
  vAt = position.xy * 2.0 * (aRect.zw + ${HALF_AVENUE.toFixed(2)});
  vec3 p = vec3(aRect.x + vAt.x, 0.0, aRect.y + vAt.y);
  vWorld = p;
  gl_Position = projectionMatrix * viewMatrix * vec4(p, 1.0);
}`;

const FRAGMENT = /* glsl */ `
${COMMON}
uniform float uReflect;
varying vec3 vWorld;
varying vec2 vAt;
flat varying vec2 vHalf;
float stroke(float distance, float halfWidth) {
  float pixel = fwidth(distance) + 1e-5;
  float w = max(halfWidth, pixel * 0.6);
  return (1.0 - smoothstep(w, w + pixel, abs(distance))) * min(1.0, halfWidth / w + 0.2);
}
void main() {
  vec2 q = abs(vAt) - vHalf;
  // Distance to the border: negative inside.
  float border = length(max(q, 0.0)) + min(max(q.x, q.y), 0.0);
  float square = max(q.x, q.y);
  float inside = 1.0 - step(0.0, border);
  bool day = uDay > 0.5;
  vec3 violet = vec3(0.46, 0.10, 0.72);
  vec3 steel = vec3(0.05, 0.22, 0.36);

  vec3 c = inside * vec3(0.0068, 0.0085, 0.020);
  float alpha = inside * (1.0 - uReflect * 0.30) * 0.92;
  // Small crosses where lots meet, corner ticks around each house.
  vec2 lot = abs(fract((vAt + vHalf) / ${LOT.toFixed(1)}) - 0.5);
  vec2 edge = (0.5 - lot) * ${LOT.toFixed(1)};
  float cross = max(stroke(edge.x, 0.02) * step(edge.y, 0.28), stroke(edge.y, 0.02) * step(edge.x, 0.28));
  float farAway = smoothstep(0.10, 0.03, fwidth(vAt.x + vAt.y) * 0.25);
  c += inside * steel * cross * 0.9 * farAway;
  // The border: one clean line, a soft one within.
  c += violet * (stroke(border, 0.055) * 1.15 + inside * exp(border * 1.4) * 0.055 + stroke(border + 0.42, 0.018) * 0.25);
  alpha = max(alpha, stroke(border, 0.055));

  // Avenue: kerb, edge line, dashes in the middle (where the neighbour's half begins).
  float road = step(0.0, border) * (1.0 - smoothstep(${(HALF_AVENUE - 0.3).toFixed(2)}, ${HALF_AVENUE.toFixed(2)}, border));
  c += road * vec3(0.0030, 0.0036, 0.0072);
  alpha = max(alpha, road * 0.55);
  float along = q.x > q.y ? vAt.y : vAt.x;
  float dash = step(0.45, fract(along / 2.0));
  float mid = stroke(square - ${(HALF_AVENUE - 0.02).toFixed(2)}, 0.03) * dash * step(-0.2, border);
  float kerb = stroke(border - 0.45, 0.018) * (1.0 - inside);
  c += vec3(0.05, 0.42, 0.62) * mid * 0.55 + steel * kerb * 0.75;
  alpha = max(alpha, max(mid, kerb) * 0.8);

  if (day) {
    // Paving, kerb and asphalt instead of light.
    c = mix(vec3(0.26, 0.28, 0.31), vec3(0.58, 0.61, 0.63), inside);
    c = mix(c, vec3(0.44, 0.47, 0.50), inside * cross * farAway);
    c = mix(c, vec3(0.24, 0.10, 0.46), stroke(border, 0.055));
    c = mix(c, vec3(0.70, 0.72, 0.74), max(mid, kerb) * (1.0 - inside));
    alpha = max(max(inside, road * 0.92), max(stroke(border, 0.055), max(mid, kerb) * 0.8));
  }
  gl_FragColor = vec4(haze(c, vWorld), alpha);
  ${OUTPUT}
}`;

export class Plots {
  readonly mesh: THREE.Mesh<THREE.InstancedBufferGeometry>;

  constructor(uniforms: CityUniforms) {
    const geometry = new THREE.InstancedBufferGeometry();
    const plane = new THREE.PlaneGeometry(1, 1);
    geometry.setIndex(plane.index);
    geometry.setAttribute('position', plane.getAttribute('position'));
    this.mesh = unculled(new THREE.Mesh(geometry, material(uniforms, VERTEX, FRAGMENT, { transparent: true, depthWrite: false, side: THREE.DoubleSide })), LAYER.plots);
    this.set([]);
  }

  set(plots: readonly Rect[]): void {
    const rects = new Float32Array(Math.max(1, plots.length) * 4);
    plots.forEach((r, i) => {
      rects.set([(r.minX + r.maxX) / 2, (r.minZ + r.maxZ) / 2, (r.maxX - r.minX) / 2, (r.maxZ - r.minZ) / 2], i * 4);
    });
    setInstances(this.mesh.geometry, { aRect: new THREE.InstancedBufferAttribute(rects, 4) }, plots.length);
  }
}
