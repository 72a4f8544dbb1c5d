import * as THREE from 'three';
import { mergeGeometries } from 'three/addons/utils/BufferGeometryUtils.js';
import type { FleetAttributes } from './fleetAttributes';
import { COMMON, FLEET, OUTPUT } from './glsl';
import { LAYER, material, unculled, type CityUniforms } from './uniforms';

/** Light that lies around a building: a pool on the ground, brackets when selected, a beam to the sky when unhealthy. */

const PART = { pool: 0, beam: 1 } as const;

function glowGeometry(): THREE.BufferGeometry {
  const tagged = (geometry: THREE.BufferGeometry, part: number) => {
    geometry.setAttribute('part', new THREE.BufferAttribute(new Float32Array(geometry.getAttribute('position').count).fill(part), 1));
    return geometry;
  };
  return mergeGeometries([tagged(new THREE.PlaneGeometry(2, 2), PART.pool), tagged(new THREE.PlaneGeometry(2, 1).translate(0, 0.5, 0), PART.beam)]);
}

const VERTEX = /* glsl */ `
${COMMON}
${FLEET}
attribute float part;
uniform float uSelected;
uniform float uHovered;
varying vec3 vWorld;
varying vec2 vAt;
flat varying vec4 vState; // status, load, part, dim
flat varying vec2 vMark;  // selected or hovered, half width of the pool
void main() {
  float slot = float(gl_InstanceID);
  float height = heightNow();
  vState = vec4(aSpin.w, loadNow(), part, aDim);
  vMark = vec2(slot == uSelected ? 1.0 : slot == uHovered ? 0.5 : 0.0, aLot.z * 1.75);
  vec3 p;
  bool shown = aLot.z > 0.0;
  if (part < 0.5) {
    vAt = position.xy * vMark.y;
    p = vec3(vAt.x + aLot.x, 0.0, vAt.y + aLot.y);
  } else {
    vAt = position.xy;
    vec2 toEye = normalize(cameraPosition.xz - aLot.xy + 1e-4);
    p = vec3(aLot.x, height + position.y * (9.0 + height * 0.5), aLot.y);
    p.xz += vec2(toEye.y, -toEye.x) * position.x * 0.75;
    shown = shown && abs(aSpin.w - 3.0) < 0.5;
  }
  vWorld = p;
  gl_Position = shown ? projectionMatrix * viewMatrix * vec4(p, 1.0) : NOWHERE;
}`;

const FRAGMENT = /* glsl */ `
${COMMON}
varying vec3 vWorld;
varying vec2 vAt;
flat varying vec4 vState;
flat varying vec2 vMark;
void main() {
  vec3 tone = statusColor(vState.x);
  float wrong = step(1.5, vState.x);
  vec3 c;
  if (vState.z > 0.5) {
    float across = pow(max(0.0, 1.0 - abs(vAt.x)), 3.0);
    c = tone * across * pow(1.0 - vAt.y, 2.2) * 0.34;
  } else {
    float reach = length(vAt) / vMark.y;
    float pool = pow(max(0.0, 1.0 - reach), 2.4);
    c = tone * pool * (0.05 + 0.26 * vState.y + 0.30 * wrong);
    // Brackets around the lot.
    vec2 q = abs(vAt);
    float square = max(q.x, q.y);
    float bracket = (1.0 - smoothstep(0.05, 0.09, abs(square - vMark.y * 0.88))) * step(vMark.y * 0.5, min(q.x, q.y));
    c += mix(tone, vec3(0.75, 0.95, 1.0), 0.7) * bracket * vMark.x * 1.2;
  }
  c *= mix(1.0, 0.15, vState.w);
  float clear = exp(-pow(length(vWorld - cameraPosition) * uHazeScale, 2.6));
  gl_FragColor = vec4(c * clear, 1.0);
  ${OUTPUT}
}`;

export function createGlow(attributes: FleetAttributes, uniforms: CityUniforms): THREE.Mesh {
  const shader = material(uniforms, VERTEX, FRAGMENT, { transparent: true, depthWrite: false, blending: THREE.AdditiveBlending, side: THREE.DoubleSide });
  return unculled(new THREE.Mesh(attributes.instance(glowGeometry()), shader), LAYER.glow);
}
