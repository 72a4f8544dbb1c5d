import * as THREE from 'three';
import { mergeGeometries } from 'three/addons/utils/BufferGeometryUtils.js';
import { Status } from '../../world/model';
import type { FleetAttributes } from './fleetAttributes';
import { COMMON, FLEET, OUTPUT } from './glsl';
import { LAYER, material, unculled, type CityUniforms } from './uniforms';

/**
 * A sign over the roof whose shape tells the status: a pyramid for degraded, an octahedron for unhealthy, nothing when
 * fine. Drawn over everything that stands before it: no tower may hide that something is wrong.
 */

function beaconGeometry(): THREE.BufferGeometry {
  const shape = (geometry: THREE.BufferGeometry, status: number) => {
    const flat = geometry.index ? geometry.toNonIndexed() : geometry;
    flat.computeVertexNormals();
    flat.setAttribute('shownFor', new THREE.BufferAttribute(new Float32Array(flat.getAttribute('position').count).fill(status), 1));
    return flat;
  };
  return mergeGeometries([
    shape(new THREE.ConeGeometry(0.52, 0.86, 4), Status.DEGRADED),
    shape(new THREE.OctahedronGeometry(0.62).scale(0.85, 1.2, 0.85), Status.UNHEALTHY),
  ]);
}

const VERTEX = /* glsl */ `
${COMMON}
${FLEET}
attribute float shownFor;
uniform float uMotion;
varying vec3 vWorld;
varying vec3 vNormal;
flat varying vec2 vState; // status, dim
void main() {
  vState = vec2(aSpin.w, aDim);
  float angle = (uTime * 0.8 + aLot.w) * uMotion;
  float c = cos(angle), s = sin(angle);
  vec3 p = position, n = normal;
  p.xz = mat2(c, s, -s, c) * p.xz;
  n.xz = mat2(c, s, -s, c) * n.xz;
  vNormal = n;
  vec3 foot = vec3(aLot.x, heightNow() + 1.5, aLot.y);
  // From afar a sign may not shrink out of sight.
  float scale = clamp(distance(cameraPosition, foot) * 0.017, 0.75, 2.6);
  vec3 world = foot + p * scale + vec3(0.0, (scale - 0.75) * 0.9, 0.0);
  vWorld = world;
  bool shown = abs(aSpin.w - shownFor) < 0.5 && aLot.z > 0.0;
  gl_Position = shown ? projectionMatrix * viewMatrix * vec4(world, 1.0) : NOWHERE;
}`;

const FRAGMENT = /* glsl */ `
${COMMON}
varying vec3 vWorld;
varying vec3 vNormal;
flat varying vec2 vState;
void main() {
  vec3 view = normalize(cameraPosition - vWorld);
  vec3 normal = normalize(vNormal);
  float facing = max(0.0, dot(normal, view));
  vec3 c = statusColor(vState.x) * (0.50 + 0.55 * facing + 0.25 * max(0.0, normal.y));
  c += vec3(0.16) * pow(facing, 6.0) * (1.0 - uDay);
  gl_FragColor = vec4(c * mix(1.0, mix(0.2, 0.6, uDay), vState.y), 1.0);
  ${OUTPUT}
}`;

export function createBeacons(attributes: FleetAttributes, uniforms: CityUniforms): THREE.Mesh {
  return unculled(new THREE.Mesh(attributes.instance(beaconGeometry()), material(uniforms, VERTEX, FRAGMENT, { transparent: true, depthTest: false, depthWrite: false })), LAYER.beacons);
}
