import * as THREE from 'three';
import { SpawnRing } from '../spawnRing';
import { COMMON, CURVE, glowOutput } from './glsl';
import { GLOWING, LAYER, material, unculled, type CityUniforms } from './uniforms';

/** Requests in flight: a streak each, drawn inside a point sprite; errors are larger, red diamonds. */

const VERTEX = /* glsl */ `
${COMMON}
${CURVE}
attribute vec4 aFlight; // start, duration, edge, error
uniform float uViewportHeight;
varying float vShown;
varying vec2 vHeading;
flat varying float vError;
const float STREAK = 0.045;
void main() {
  gl_PointSize = 1.0;
  gl_Position = vec4(2.0, 2.0, 2.0, 1.0);
  float t = (uTime - aFlight.x) / max(aFlight.y, 1e-3);
  int id = int(aFlight.z + 0.5);
  if (aFlight.y <= 0.0 || t < 0.0 || t > 1.0 || !curveExists(id)) return;
  float eased = t * t * (3.0 - 2.0 * t) * 0.35 + t * 0.65;
  vec3 world = curveAt(id, eased);
  vec4 head = projectionMatrix * viewMatrix * vec4(world, 1.0);
  vec4 tail = projectionMatrix * viewMatrix * vec4(curveAt(id, max(0.0, eased - STREAK)), 1.0);
  vec2 aspect = vec2(projectionMatrix[1][1] / projectionMatrix[0][0], 1.0);
  vec2 way = (head.xy / head.w - tail.xy / tail.w) * aspect * uViewportHeight * 0.5;
  float travel = length(way);
  vError = aFlight.w;
  float thickness = clamp(uViewportHeight * 0.085 / head.w, 1.3, 3.6) * (1.0 + 1.6 * vError);
  float size = clamp(travel, thickness * 2.0, 46.0);
  size = vError > 0.5 ? max(thickness * 3.6, 8.0) : size;
  vHeading = travel > 0.01 ? vec2(way.x, -way.y) / travel * (size / thickness) : vec2(size / thickness, 0.0);
  float fade = smoothstep(0.0, 0.06, t) * smoothstep(1.0, 0.94, t);
  float clear = exp(-pow(head.w * uHazeScale * 0.9, 2.6));
  vShown = fade * clear;
  gl_Position = head;
  gl_PointSize = size;
}`;

const FRAGMENT = /* glsl */ `
${COMMON}
varying float vShown;
varying vec2 vHeading;
flat varying float vError;
void main() {
  vec2 p = gl_PointCoord * 2.0 - 1.0;
  float a;
  if (vError > 0.5) {
    float diamond = abs(p.x) + abs(p.y);
    a = (1.0 - smoothstep(0.50, 0.62, diamond)) + 0.35 * (1.0 - smoothstep(0.6, 1.0, diamond));
  } else {
    float slender = length(vHeading);
    vec2 dir = vHeading / slender;
    float along = dot(p, dir);
    float across = abs(dot(p, vec2(-dir.y, dir.x))) * slender;
    float body = 1.0 - smoothstep(0.35, 1.0, across);
    a = body * smoothstep(-1.0, 0.75, along) * (1.0 - smoothstep(0.86, 1.0, along));
  }
  if (a < 0.01) discard;
  vec3 request = mix(vec3(0.043, 0.285, 0.434), vec3(0.0, 0.12, 0.30), uDay);
  vec3 tone = mix(request, uStatus[3] * mix(1.7, 1.0, uDay), vError);
  float strength = mix(a * a, a, uDay) * vShown;
  ${glowOutput('tone', 'strength')}
}`;

export class Traffic {
  readonly ring: SpawnRing;
  readonly points: THREE.Points;
  private readonly attribute: THREE.BufferAttribute;

  constructor(uniforms: CityUniforms, capacity: number) {
    this.ring = new SpawnRing(capacity);
    this.attribute = new THREE.BufferAttribute(this.ring.data, 4).setUsage(THREE.DynamicDrawUsage);
    const geometry = new THREE.BufferGeometry();
    geometry.setAttribute('aFlight', this.attribute);
    // Without a "position" the renderer would not know how many points there are. The ring's two ends are a group each.
    geometry.setDrawRange(0, capacity);
    geometry.addGroup(0, 0, 0);
    geometry.addGroup(0, 0, 0);
    const shader = material(uniforms, VERTEX, FRAGMENT, { transparent: true, depthWrite: false, ...GLOWING });
    this.points = unculled(new THREE.Points(geometry, [shader]), LAYER.traffic);
  }

  /** Uploads new records, and draws those that fly; call once a frame. */
  flush(now: number): void {
    const ranges = this.ring.takeDirty();
    for (const [first, count] of ranges) this.attribute.addUpdateRange(first * 4, count * 4);
    if (ranges.length > 0) this.attribute.needsUpdate = true;
    this.ring.live(now).forEach(([start, count], i) => Object.assign(this.points.geometry.groups[i]!, { start, count }));
  }
}
