import * as THREE from 'three';
import { mergeGeometries } from 'three/addons/utils/BufferGeometryUtils.js';
import type { FleetAttributes } from './fleetAttributes';
import { COMMON, FLEET, glowOutput } from './glsl';
import { GLOWING, LAYER, material, unculled, type CityUniforms } from './uniforms';

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
    // By day the pool is the house's shadow: it falls away from the sun, further the higher the house is.
    vec2 shadow = vec2(-0.06, 0.11) * min(height, 14.0) * uDay;
    p = vec3(vAt.x + aLot.x + shadow.x, 0.0, vAt.y + aLot.y + shadow.y);
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
  float strength;
  if (vState.z > 0.5) {
    float across = pow(max(0.0, 1.0 - abs(vAt.x)), 3.0);
    strength = across * pow(1.0 - vAt.y, 2.2) * mix(0.34, 0.8, uDay);
  } else {
    float reach = length(vAt) / vMark.y;
    float pool = pow(max(0.0, 1.0 - reach), 2.4);
    float shade = 1.0 - smoothstep(0.35, 0.95, max(abs(vAt.x), abs(vAt.y)) / vMark.y + 0.25 * reach);
    strength = mix(pool * (0.05 + 0.26 * vState.y + 0.30 * wrong), shade * 0.62, uDay);
    tone = mix(tone, mix(vec3(0.05, 0.07, 0.11), tone, wrong * 0.6), uDay);
    // Brackets around the lot.
    vec2 q = abs(vAt);
    float square = max(q.x, q.y);
    float bracket = (1.0 - smoothstep(0.05, 0.09, abs(square - vMark.y * 0.88))) * step(vMark.y * 0.5, min(q.x, q.y));
    float marked = bracket * vMark.x * 1.2;
    tone = mix(tone, mix(mix(tone, vec3(0.75, 0.95, 1.0), 0.7), vec3(0.0, 0.05, 0.16), uDay), step(0.01, marked));
    strength = max(strength, marked);
  }
  strength *= mix(1.0, 0.15, vState.w) * clearness(vWorld);
  ${glowOutput('tone', 'strength')}
}`;

export function createGlow(attributes: FleetAttributes, uniforms: CityUniforms): THREE.Mesh {
  const shader = material(uniforms, VERTEX, FRAGMENT, { transparent: true, depthWrite: false, ...GLOWING, side: THREE.DoubleSide });
  return unculled(new THREE.Mesh(attributes.instance(glowGeometry()), shader), LAYER.glow);
}
