import * as THREE from 'three';
import { mergeGeometries } from 'three/addons/utils/BufferGeometryUtils.js';
import type { Gate as GatePlace } from '../plan';
import { COMMON, OUTPUT } from './glsl';
import { LAYER, material, unculled, type CityUniforms } from './uniforms';

/** The ingress: a hoop at the edge of the city through which requests from outside fly in. */

const PART = { frame: 0, veil: 1, path: 2 } as const;

function gateGeometry(): THREE.BufferGeometry {
  const tagged = (geometry: THREE.BufferGeometry, part: number) => {
    geometry.setAttribute('part', new THREE.BufferAttribute(new Float32Array(geometry.getAttribute('position').count).fill(part), 1));
    return geometry;
  };
  // In units of the hoop's radius, its centre at the origin, facing along z.
  const pylon = (x: number) => tagged(new THREE.BoxGeometry(0.07, 1.3, 0.2).translate(x, -0.65, 0), PART.frame);
  return mergeGeometries([
    tagged(new THREE.TorusGeometry(1, 0.03, 6, 56), PART.frame),
    pylon(-1.16),
    pylon(1.16),
    tagged(new THREE.CircleGeometry(0.95, 40), PART.veil),
    tagged(new THREE.PlaneGeometry(1.5, 3).rotateX(-Math.PI / 2).translate(0, -1.295, 1.2), PART.path),
  ]);
}

const VERTEX = /* glsl */ `
attribute float part;
uniform vec4 uGate; // centre, radius
varying vec3 vWorld;
varying vec3 vLocal;
varying vec3 vNormal;
flat varying float vPart;
void main() {
  vPart = part;
  vLocal = position;
  vNormal = normal;
  vec3 p = uGate.xyz + position * uGate.w;
  vWorld = p;
  gl_Position = projectionMatrix * viewMatrix * vec4(p, 1.0);
}`;

const FRAGMENT = /* glsl */ `
${COMMON}
uniform float uMotion;
varying vec3 vWorld;
varying vec3 vLocal;
varying vec3 vNormal;
flat varying float vPart;
void main() {
  vec3 ice = mix(vec3(0.35, 0.78, 1.0), vec3(0.0, 0.20, 0.42), uDay);
  vec3 c;
  float alpha = 1.0;
  if (vPart < 0.5) {
    float facing = max(0.0, dot(normalize(vNormal), normalize(cameraPosition - vWorld)));
    bool hoop = length(vLocal.xy) < 1.08 && abs(vLocal.z) < 0.1;
    c = hoop ? ice * (0.30 + 0.25 * facing) : mix(vec3(0.006, 0.010, 0.022), vec3(0.30, 0.34, 0.38), uDay) + ice * (0.05 * pow(1.0 - facing, 2.0) + 0.5 * step(0.045, abs(vLocal.z)) * step(0.095, abs(vLocal.z)));
  } else if (vPart < 1.5) {
    float r = length(vLocal.xy);
    float ripple = 0.5 + 0.5 * sin(r * 22.0 - uTime * 2.4 * uMotion);
    alpha = 0.015 + 0.20 * pow(r, 6.0) + 0.03 * ripple * r;
    c = ice * 0.8;
  } else {
    float across = abs(vLocal.x) / 0.75;
    float fade = smoothstep(2.6, 0.0, vLocal.z) * (1.0 - smoothstep(0.85, 1.0, across));
    alpha = fade * (0.10 + 0.25 * step(0.9, across) + 0.12 * step(0.5, fract(vLocal.z * 4.0)) * step(across, 0.06));
    c = ice * 0.6;
  }
  gl_FragColor = vec4(uDay > 0.5 ? haze(c, vWorld) : c * clearness(vWorld), alpha * mix(1.0, 1.6, uDay));
  ${OUTPUT}
}`;

export class Gate {
  readonly mesh: THREE.Mesh;
  private readonly place = { value: new THREE.Vector4(0, -100, 0, 1) };

  constructor(uniforms: CityUniforms) {
    const shader = material(uniforms, VERTEX, FRAGMENT, { transparent: true, side: THREE.DoubleSide, depthWrite: false }, { uGate: this.place });
    this.mesh = unculled(new THREE.Mesh(gateGeometry(), shader), LAYER.edges);
  }

  set(gate: GatePlace): void {
    this.place.value.set(gate.x, gate.y, gate.z, gate.radius);
  }
}
