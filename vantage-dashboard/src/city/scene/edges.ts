import * as THREE from 'three';
import type { Edge } from '../../world/model';
import { COMMON, CURVE, OUTPUT } from './glsl';
import { LAYER, material, unculled, type CityUniforms } from './uniforms';

/** Who calls whom: the arcs of the selected or hovered building; all of them, faintly, where motion is not wanted. */

const STEPS = 28;

const VERTEX = /* glsl */ `
${COMMON}
${CURVE}
attribute vec3 aEdge; // id, caller's slot (-1: ingress), callee's slot
uniform float uSelected;
uniform float uHovered;
uniform float uMotion;
uniform float uViewportHeight;
varying float vAlong;
varying float vAcross;
varying vec3 vWorld;
flat varying vec2 vKind; // strength, 1 when the building is the caller
bool concerns(float slot) { return slot >= 0.0 && (aEdge.y == slot || aEdge.z == slot); }
void main() {
  gl_Position = vec4(2.0, 2.0, 2.0, 1.0);
  float strength = concerns(uSelected) ? 1.0 : concerns(uHovered) ? 0.6 : (1.0 - uMotion) * 0.28;
  int id = int(aEdge.x + 0.5);
  if (strength == 0.0 || !curveExists(id)) return;
  float focus = concerns(uSelected) ? uSelected : uHovered;
  vKind = vec2(strength, aEdge.y == focus ? 1.0 : 0.0);
  vAlong = position.x;
  vAcross = position.y;
  vWorld = curveAt(id, position.x);
  vec4 here = projectionMatrix * viewMatrix * vec4(vWorld, 1.0);
  vec4 next = projectionMatrix * viewMatrix * vec4(curveAt(id, position.x + 0.01), 1.0);
  vec2 aspect = vec2(projectionMatrix[1][1] / projectionMatrix[0][0], 1.0);
  vec2 way = normalize((next.xy / next.w - here.xy / here.w) * aspect + vec2(1e-6, 0.0));
  vec2 offset = vec2(-way.y, way.x) / aspect * position.y * 2.2 / uViewportHeight * 2.0;
  here.xy += offset * here.w;
  gl_Position = here;
}`;

const FRAGMENT = /* glsl */ `
${COMMON}
uniform float uMotion;
varying float vAlong;
varying float vAcross;
varying vec3 vWorld;
flat varying vec2 vKind;
void main() {
  float core = pow(1.0 - abs(vAcross), 1.5);
  float flow = 0.45 + 0.55 * smoothstep(0.4, 1.0, fract(vAlong * 7.0 - uTime * 0.7 * uMotion));
  float ends = smoothstep(0.0, 0.04, vAlong) * smoothstep(1.0, 0.97, vAlong);
  vec3 tone = mix(vec3(0.55, 0.42, 1.0), vec3(0.20, 0.75, 1.0), vKind.y);
  float clear = exp(-pow(length(vWorld - cameraPosition) * uHazeScale, 2.6));
  gl_FragColor = vec4(tone * core * flow * ends * vKind.x * clear, 1.0);
  ${OUTPUT}
}`;

export class Edges {
  readonly mesh: THREE.Mesh<THREE.InstancedBufferGeometry>;

  constructor(uniforms: CityUniforms) {
    const positions: number[] = [], index: number[] = [];
    for (let i = 0; i <= STEPS; i++) positions.push(i / STEPS, -1, 0, i / STEPS, 1, 0);
    for (let i = 0; i < STEPS; i++) index.push(i * 2, i * 2 + 1, i * 2 + 2, i * 2 + 1, i * 2 + 3, i * 2 + 2);
    const geometry = new THREE.InstancedBufferGeometry();
    geometry.setIndex(index);
    geometry.setAttribute('position', new THREE.Float32BufferAttribute(positions, 3));
    const shader = material(uniforms, VERTEX, FRAGMENT, { transparent: true, depthWrite: false, blending: THREE.AdditiveBlending, side: THREE.DoubleSide });
    this.mesh = unculled(new THREE.Mesh(geometry, shader), LAYER.edges);
    this.set([]);
  }

  set(edges: readonly Edge[]): void {
    const data = new Float32Array(Math.max(1, edges.length) * 3);
    edges.forEach((edge, i) => data.set([edge.id, edge.from ?? -1, edge.to], i * 3));
    this.mesh.geometry.setAttribute('aEdge', new THREE.InstancedBufferAttribute(data, 3));
    this.mesh.geometry.instanceCount = edges.length;
  }
}
