import * as THREE from 'three';
import { BLOCK_PITCH } from '../plan';
import { COMMON, OUTPUT } from './glsl';
import { LAYER, material, unculled, type CityUniforms } from './uniforms';

/** Sky and ground: both follow the camera, so neither has an end. */

const SKY_VERTEX = /* glsl */ `
varying vec3 vDirection;
void main() {
  vDirection = position;
  vec4 p = projectionMatrix * vec4(mat3(viewMatrix) * position, 1.0);
  gl_Position = p.xyww;
}`;

const SKY_FRAGMENT = /* glsl */ `
${COMMON}
varying vec3 vDirection;
void main() {
  vec3 d = normalize(vDirection);
  // Dark below, for the ground to lie on; not at once, because the ground ends a little below the horizon.
  vec3 c = skyColor(vec3(d.x, max(d.y, 0.0), d.z)) * (uDay > 0.5 ? 1.0 : exp(min(d.y + 0.07, 0.0) * 16.0));
  vec2 cell = vec2(atan(d.z, d.x) * 150.0, d.y * 190.0);
  float seed = hash21(floor(cell));
  float star = step(0.9965, seed) * smoothstep(0.30, 0.05, length(fract(cell) - 0.5)) * smoothstep(0.05, 0.35, d.y);
  c += (1.0 - uDay) * star * mix(vec3(0.25, 0.40, 0.60), vec3(0.5, 0.42, 0.5), fract(seed * 913.0)) * 0.8;
  gl_FragColor = vec4(c, 1.0);
  ${OUTPUT}
}`;

export function createSky(uniforms: CityUniforms): THREE.Mesh {
  const shader = material(uniforms, SKY_VERTEX, SKY_FRAGMENT, { side: THREE.BackSide, depthWrite: false, depthTest: false });
  return unculled(new THREE.Mesh(new THREE.SphereGeometry(1, 24, 16), shader), LAYER.sky);
}

const GROUND_VERTEX = /* glsl */ `
varying vec3 vWorld;
void main() {
  vec4 world = modelMatrix * vec4(position, 1.0);
  vWorld = world.xyz;
  gl_Position = projectionMatrix * viewMatrix * world;
}`;

const GROUND_FRAGMENT = /* glsl */ `
${COMMON}
uniform float uReflect;
varying vec3 vWorld;
float grid(vec2 p, float spacing, float width) {
  vec2 q = p / spacing;
  vec2 pixel = fwidth(q);
  vec2 distance = abs(fract(q - 0.5) - 0.5) / pixel;
  float l = 1.0 - min(min(distance.x, distance.y) / width, 1.0);
  return l * clamp(1.2 - max(pixel.x, pixel.y) * 2.2, 0.0, 1.0);
}
void main() {
  vec2 p = vWorld.xz;
  vec3 c = mix(vec3(0.0040, 0.0055, 0.0125), vec3(0.50, 0.54, 0.56), uDay);
  float fine = grid(p, ${(BLOCK_PITCH / 4).toFixed(3)}, 1.0), coarse = grid(p, ${BLOCK_PITCH.toFixed(3)}, 1.3);
  c += mix(vec3(0.0066, 0.022, 0.041), vec3(-0.035, -0.030, -0.022), uDay) * fine;
  c += mix(vec3(0.011, 0.052, 0.095), vec3(-0.07, -0.055, -0.035), uDay) * coarse;
  vec3 view = normalize(cameraPosition - vWorld);
  float grazing = pow(1.0 - max(view.y, 0.0), 3.0);
  float opacity = 1.0 - uReflect * mix(0.16, 0.50, grazing);
  vec3 shown = haze(c, vWorld);
  float distance = length(cameraPosition - vWorld);
  opacity = mix(opacity, 1.0, smoothstep(0.5, 1.1, distance * uHazeScale));
  gl_FragColor = vec4(shown, opacity);
  ${OUTPUT}
}`;

export function createGround(uniforms: CityUniforms): THREE.Mesh {
  const geometry = new THREE.PlaneGeometry(4000, 4000).rotateX(-Math.PI / 2);
  return unculled(new THREE.Mesh(geometry, material(uniforms, GROUND_VERTEX, GROUND_FRAGMENT, { transparent: true, depthWrite: false })), LAYER.ground);
}
