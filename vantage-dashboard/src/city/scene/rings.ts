import * as THREE from 'three';
import { LOAD_DECADES } from '../encoding';
import type { FleetAttributes } from './fleetAttributes';
import { COMMON, FLEET, glowOutput } from './glsl';
import { GLOWING, LAYER, material, unculled, type CityUniforms } from './uniforms';

/** A halo a building: five segments, one a decade of load, as far lit as the load reaches; its end is red by the share of errors. */

const VERTEX = /* glsl */ `
${COMMON}
${FLEET}
uniform float uMotion;
varying vec3 vWorld;
varying float vTurn;
flat varying vec4 vState; // load, error ratio, status, dim
void main() {
  float height = heightNow();
  float load = loadNow();
  vTurn = uv.x;
  vState = vec4(load, aLoad.w, aSpin.w, aDim);
  float angle = aSpin.x + aSpin.y * (uTime - aSpin.z) * uMotion;
  float radius = aLot.z * 0.72 + 0.06;
  vec3 p = vec3(position.x * radius, position.z * 2.6, position.y * radius);
  float c = cos(angle), s = sin(angle);
  p.xz = mat2(c, s, -s, c) * p.xz;
  float lean = 0.16 * sin(aLot.w * 2.1);
  p.y += p.x * lean;
  p.y += max(height * 0.80, 0.9);
  p.xz += aLot.xy;
  vWorld = p;
  gl_Position = load > 0.001 && aLot.z > 0.0 ? projectionMatrix * viewMatrix * vec4(p, 1.0) : NOWHERE;
}`;

const FRAGMENT = /* glsl */ `
${COMMON}
varying vec3 vWorld;
varying float vTurn;
flat varying vec4 vState;
void main() {
  float decades = ${LOAD_DECADES.toFixed(1)};
  float load = vState.x;
  float inDecade = fract(vTurn * decades);
  float gap = step(0.05, inDecade) * step(inDecade, 0.97);
  float dash = step(0.16, fract(vTurn * decades * 6.0));
  float lit = 1.0 - smoothstep(load - 0.004, load + 0.004, vTurn);
  float failing = step(load * (1.0 - vState.y), vTurn) * step(0.002, vState.y);
  vec3 tone = mix(statusColor(vState.z), uStatus[3], failing);
  float head = exp(-max(0.0, load - vTurn) * 22.0);
  float wrong = step(1.5, vState.z);
  float strength = lit * gap * dash * (0.42 + 0.50 * load + 0.8 * head + 0.5 * wrong) + (1.0 - lit) * gap * 0.045;
  strength *= mix(1.0, 0.1, vState.w);
  float shown = mix(strength * strength, min(1.0, strength * 1.9), uDay) * clearness(vWorld);
  ${glowOutput('tone', 'shown')}
}`;

export function createRings(attributes: FleetAttributes, uniforms: CityUniforms, segments: number): THREE.Mesh {
  const geometry = attributes.instance(new THREE.TorusGeometry(1, 0.026, 4, segments));
  return unculled(new THREE.Mesh(geometry, material(uniforms, VERTEX, FRAGMENT, { transparent: true, depthWrite: false, ...GLOWING })), LAYER.rings);
}
