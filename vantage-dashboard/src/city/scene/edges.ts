import * as THREE from 'three';
import type { Edge } from '../../world/model';
import { COMMON, CURVE, glowOutput } from './glsl';
import { setInstances } from './instances';
import { GLOWING, LAYER, material, unculled, type CityUniforms } from './uniforms';

/**
 * Who calls whom: the calls on the way to the selected building and on from it, those of the hovered one; all of them,
 * faintly, where motion is not wanted. Arrowheads run the way of the call, and stand where motion is not wanted; the way
 * to a building is a chain of separate ones, the way from it an unbroken line.
 */

const STEPS = 28;
/** How strongly calls that concern nobody show where motion is not wanted; the more there are, the fainter, or together they would glare. */
const STILL = 0.28;
const FEW = 50;

const VERTEX = /* glsl */ `
${COMMON}
${CURVE}
attribute vec4 aEdge; // id, caller's slot (-1: ingress), callee's slot, weight on a path (below 0: upstream)
uniform float uHovered;
uniform float uStill;
uniform float uViewportHeight;
uniform float uPixelRatio;
varying float vAlong;
varying float vAcross;
varying vec3 vWorld;
flat varying vec2 vKind; // strength, 1 on the way from the building
flat varying float vHeads; // arrowheads along the way
bool concerns(float slot) { return slot >= 0.0 && (aEdge.y == slot || aEdge.z == slot); }
void main() {
  gl_Position = vec4(2.0, 2.0, 2.0, 1.0);
  float onPath = abs(aEdge.w);
  float strength = onPath > 0.0 ? onPath : concerns(uHovered) ? 0.6 : uStill;
  int id = int(aEdge.x + 0.5);
  if (strength == 0.0 || !curveExists(id)) return;
  vKind = vec2(strength, onPath > 0.0 ? step(0.0, aEdge.w) : aEdge.y == uHovered ? 1.0 : 0.0);
  vHeads = clamp(floor(distance(curveAt(id, 0.0), curveAt(id, 1.0)) / 1.5), 3.0, 24.0);
  vAlong = position.x;
  vAcross = position.y;
  vWorld = curveAt(id, position.x);
  vec4 here = projectionMatrix * viewMatrix * vec4(vWorld, 1.0);
  vec4 next = projectionMatrix * viewMatrix * vec4(curveAt(id, position.x + 0.01), 1.0);
  vec2 aspect = vec2(projectionMatrix[1][1] / projectionMatrix[0][0], 1.0);
  vec2 way = normalize((next.xy / next.w - here.xy / here.w) * aspect + vec2(1e-6, 0.0));
  vec2 offset = vec2(-way.y, way.x) / aspect * position.y * (onPath > 0.0 ? 2.0 + 2.8 * onPath : 2.2) / uViewportHeight * 2.0 * uPixelRatio;
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
flat varying float vHeads;
void main() {
  float across = abs(vAcross);
  // An arrowhead's tip runs ahead of its wings.
  float phase = fract(vAlong * vHeads - uTime * 0.9 * uMotion + across * 0.42);
  float head = smoothstep(0.52, 0.58, phase) * smoothstep(1.0, 0.94, phase) * (1.0 - smoothstep(0.86, 1.0, across));
  float thread = pow(1.0 - across, 3.0);
  float shape = mix(head, max(head * 0.9, thread * 0.75), vKind.y);
  float ends = smoothstep(0.0, 0.04, vAlong) * smoothstep(1.0, 0.97, vAlong);
  vec3 tone = mix(mix(vec3(0.62, 0.40, 1.0), vec3(0.20, 0.75, 1.0), vKind.y), mix(vec3(0.28, 0.06, 0.60), vec3(0.0, 0.16, 0.42), vKind.y), uDay);
  float strength = shape * ends * vKind.x * clearness(vWorld);
  ${glowOutput('tone', 'strength')}
}`;

export class Edges {
  readonly mesh: THREE.Mesh<THREE.InstancedBufferGeometry>;
  private readonly still = { value: 0 };

  constructor(private readonly uniforms: CityUniforms) {
    const positions: number[] = [], index: number[] = [];
    for (let i = 0; i <= STEPS; i++) positions.push(i / STEPS, -1, 0, i / STEPS, 1, 0);
    for (let i = 0; i < STEPS; i++) index.push(i * 2, i * 2 + 1, i * 2 + 2, i * 2 + 1, i * 2 + 3, i * 2 + 2);
    const geometry = new THREE.InstancedBufferGeometry();
    geometry.setIndex(index);
    geometry.setAttribute('position', new THREE.Float32BufferAttribute(positions, 3));
    const shader = material(uniforms, VERTEX, FRAGMENT, { transparent: true, depthWrite: false, ...GLOWING, side: THREE.DoubleSide }, { uStill: this.still });
    this.mesh = unculled(new THREE.Mesh(geometry, shader), LAYER.edges);
    this.set([], () => 0);
  }

  /** `weightOf`: see edgeWeight. */
  set(edges: readonly Edge[], weightOf: (edge: Edge) => number): void {
    const { geometry } = this.mesh;
    const known = geometry.getAttribute('aEdge');
    // A buffer of the same size is filled again; the GPU keeps its own.
    const kept = known instanceof THREE.InstancedBufferAttribute && known.count === Math.max(1, edges.length);
    const attribute = kept ? known : new THREE.InstancedBufferAttribute(new Float32Array(Math.max(1, edges.length) * 4), 4);
    edges.forEach((edge, i) => attribute.array.set([edge.id, edge.from ?? -1, edge.to, weightOf(edge)], i * 4));
    attribute.needsUpdate = true;
    if (!kept) setInstances(geometry, { aEdge: attribute }, edges.length);
    geometry.instanceCount = edges.length;
    this.still.value = (1 - this.uniforms.uMotion.value) * STILL * Math.sqrt(Math.min(1, FEW / Math.max(1, edges.length)));
  }
}
