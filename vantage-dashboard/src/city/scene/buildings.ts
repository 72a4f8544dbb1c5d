import * as THREE from 'three';
import { mergeGeometries } from 'three/addons/utils/BufferGeometryUtils.js';
import type { FleetAttributes } from './fleetAttributes';
import { COMMON, FLEET, OUTPUT } from './glsl';
import { LAYER, material, unculled, type CityUniforms } from './uniforms';

/** Podium, body and crown of every building: one instanced mesh, shaped and painted by its shader. */

const PART = { podium: 0, body: 1, crown: 2 } as const;

function towerGeometry(): THREE.BufferGeometry {
  const parts = ([[PART.podium, 1.16], [PART.body, 1], [PART.crown, 0.66]] as const).map(([part, width]) => {
    const box = new THREE.BoxGeometry(width, 1, width).translate(0, 0.5, 0);
    // BoxGeometry orders its faces +x -x +y -y +z -z with six indices each; nobody sees the underside.
    const index = [...box.index!.array];
    box.setIndex([...index.slice(0, 18), ...index.slice(24)]);
    box.setAttribute('part', new THREE.BufferAttribute(new Float32Array(24).fill(part), 1));
    return box;
  });
  return mergeGeometries(parts);
}

const VERTEX = /* glsl */ `
${COMMON}
${FLEET}
attribute float part;
uniform float uMirror;
uniform float uSelected;
uniform float uHovered;
varying vec3 vWorld;
varying vec3 vNormal;
varying vec2 vFace;
flat varying vec4 vLot;
flat varying vec4 vForm;   // height, load, pods, part
flat varying vec4 vState;  // status, error ratio, accent, dim
const float PODIUM_HEIGHT = 0.3;
const float CROWN_HEIGHT = 0.34;
void main() {
  float height = heightNow();
  float slot = float(gl_InstanceID);
  vLot = aLot;
  vForm = vec4(height, loadNow(), aRise.w, part);
  vState = vec4(aSpin.w, aLoad.w, slot == uSelected ? 1.0 : slot == uHovered ? 0.55 : 0.0, aDim);
  vNormal = normal;
  float width = aLot.z;
  float floorY = part < 0.5 ? 0.0 : part < 1.5 ? min(PODIUM_HEIGHT, height) : height;
  float ceilY = part < 0.5 ? min(PODIUM_HEIGHT, height) : part < 1.5 ? height : height + CROWN_HEIGHT * step(1.6, height);
  vec3 p = vec3(position.x * width, mix(floorY, ceilY, position.y), position.z * width);
  vFace = abs(normal.y) > 0.5 ? p.xz : vec2(abs(normal.x) > 0.5 ? p.z : p.x, p.y);
  p.xz += aLot.xy;
  p.y *= 1.0 - 2.0 * uMirror;
  vWorld = p;
  gl_Position = width > 0.0 ? projectionMatrix * viewMatrix * vec4(p, 1.0) : NOWHERE;
}`;

const FRAGMENT = /* glsl */ `
${COMMON}
uniform float uMirror;
uniform vec4 uFocus;
varying vec3 vWorld;
varying vec3 vNormal;
varying vec2 vFace;
flat varying vec4 vLot;
flat varying vec4 vForm;
flat varying vec4 vState;

/** How much this point stands between the eye and the selected building. */
float inTheWay() {
  vec3 sight = uFocus.xyz - cameraPosition;
  float reach = length(sight);
  vec3 ray = vWorld - cameraPosition;
  float along = dot(ray, sight / reach);
  float aside = length(ray - sight / reach * along);
  float cone = 4.2 * along / reach;
  return uFocus.w * step(along, reach - 2.6) * (1.0 - smoothstep(cone * 0.7, cone, aside));
}

/** 1 inside a line of the given half width, smoothed over one pixel. */
float line(float distance, float halfWidth) {
  float pixel = fwidth(distance) + 1e-5;
  return 1.0 - smoothstep(halfWidth, halfWidth + pixel, abs(distance));
}
/** A thin line keeps its light when it gets thinner than a pixel instead of flickering. */
float edgeLine(float distance, float halfWidth) {
  float pixel = fwidth(distance) + 1e-5;
  float w = max(halfWidth, pixel * 0.7);
  return (1.0 - smoothstep(w * 0.5, w + pixel * 0.5, abs(distance))) * min(1.0, halfWidth / w + 0.25);
}

void main() {
  if (vState.z < 0.9 && uMirror < 0.5 && hash21(floor(gl_FragCoord.xy)) < inTheWay() * 0.88) discard;
  float height = vForm.x, load = vForm.y, pods = max(1.0, vForm.z), part = vForm.w;
  float status = vState.x, accent = vState.z;
  float unknown = isStatus(status, 0.0), degraded = isStatus(status, 2.0), unhealthy = isStatus(status, 3.0);
  float wrong = degraded + unhealthy;
  vec3 tone = statusColor(status);
  vec3 normal = normalize(vNormal);
  float side = 1.0 - step(0.5, abs(normal.y));
  bool body = part > 0.5 && part < 1.5;
  float y = abs(vWorld.y);
  float width = vLot.z * (part < 0.5 ? 1.16 : body ? 1.0 : 0.66);

  // Concrete at night: nearly black, a cold key light from one side, darker towards the street.
  vec3 base = mix(vec3(0.0035, 0.0045, 0.0095), vec3(0.008, 0.0105, 0.023), clamp(y / max(height, 2.0), 0.0, 1.0));
  base += vec3(0.011, 0.016, 0.036) * max(0.0, dot(normal, normalize(vec3(-0.75, 0.35, -0.45))));
  base += vec3(0.018, 0.006, 0.020) * max(0.0, dot(normal, normalize(vec3(0.9, 0.1, 0.35))));
  base *= 0.35 + 0.65 * smoothstep(0.0, 1.8, y);
  vec3 light = vec3(0.0);
  // For daylight: how much of the wall is glass, a lit room, the status' own paint, a painted line.
  float glass = 0.0, room = 0.0, paint = 0.0, ink = 0.0;

  if (body && side > 0.5) {
    // Windows: a grid of cells; a hash decides who is still at work. More load, more light.
    float columns = floor(width * 2.9);
    vec2 cell = vec2((vFace.x / width + 0.5) * columns, y * 2.55);
    vec2 id = floor(cell), f = fract(cell);
    vec2 blur = fwidth(cell);
    vec2 lower = smoothstep(vec2(0.20, 0.26) - blur, vec2(0.20, 0.26) + blur, f);
    vec2 upper = smoothstep(vec2(0.20, 0.22) - blur, vec2(0.20, 0.22) + blur, 1.0 - f);
    float pane = lower.x * lower.y * upper.x * upper.y;
    float face = normal.x * 3.0 + normal.z * 7.0;
    float key = hash21(id + vec2(vLot.w * 0.37 + face * 11.0, vLot.w * 1.31));
    float density = unknown > 0.5 ? 0.05 : 0.13 + 0.50 * load;
    float lit = step(1.0 - density, key);
    float warmth = hash21(id * 1.7 + vLot.w);
    vec3 cool = mix(vec3(0.20, 0.62, 0.95), vec3(0.46, 0.78, 1.0), warmth);
    vec3 pale = warmth > 0.80 ? vec3(1.0, 0.72, 0.38) : warmth > 0.72 ? vec3(0.95, 0.30, 0.80) : cool;
    vec3 tint = mix(pale, tone * 1.25, wrong * 0.88 + unknown);
    float strength = (0.36 + 0.62 * load) * (0.45 + 0.55 * hash21(id + 5.3)) * mix(1.0, 0.35, unknown);
    // Beyond the resolution of the eye a facade is its average.
    float far = smoothstep(0.45, 1.1, max(blur.x, blur.y));
    light += tint * strength * mix(lit * pane, density * 0.30, far);
    glass = mix(pane, 0.36, far);
    room = mix(lit, density, far);

    // Wrong is told by pattern as well as by colour: lit bands for degraded, diagonal stripes for unhealthy.
    float band = step(0.56, fract(y * 0.42));
    float bandEdge = edgeLine(abs(fract(y * 0.42) - 0.56) / 0.42, 0.04);
    light = mix(light, light * (0.25 + 1.5 * band) + tone * (band * 0.055 + bandEdge * 0.22), degraded);
    float diagonal = (vFace.x + y) * 0.62;
    float softness = fwidth(diagonal);
    float wave = abs(fract(diagonal) - 0.5);
    float stripe = mix(smoothstep(0.25 - softness, 0.25 + softness, wave), 0.5, smoothstep(0.3, 0.9, softness));
    light = mix(light, light * (0.3 + 0.7 * stripe) + tone * stripe * 0.26, unhealthy);
    paint = degraded * (band * 0.34 + bandEdge * 0.5) + unhealthy * stripe * 0.6;

    // One notch a pod along the corners: the height can be counted.
    float corner = width * 0.5 - abs(vFace.x);
    float podY = y / height * pods;
    float notch = edgeLine((fract(podY + 0.5) - 0.5) * height / pods, 0.022) * step(0.5, podY) * smoothstep(1.0, 0.35, fwidth(podY));
    light += tone * notch * (step(corner, 0.22) * 0.55 + 0.045);
    ink = max(notch * (step(corner, 0.22) * 0.9 + 0.22), max(edgeLine(corner, 0.035) * 0.75, edgeLine(height - y, 0.08))) * mix(1.0, 0.6, unknown);
    ink = max(ink, accent * max(edgeLine(corner, 0.07), edgeLine(height - y, 0.11)));
    // Neon up the corner, brighter towards the roof; then the roof line itself.
    light += tone * edgeLine(corner, 0.03) * (0.10 + 0.32 * pow(clamp(y / height, 0.0, 1.0), 2.0)) * mix(1.0, 0.5, unknown);
    light += tone * edgeLine(height - y, 0.06) * mix(0.95, 1.9, wrong) * mix(1.0, 0.45, unknown);
    // The street's light climbs the first floor.
    light += tone * exp(-y * 1.5) * (0.018 + 0.05 * load) * (1.0 + wrong);
    light += accent * (mix(tone, vec3(0.8, 0.95, 1.0), 0.6) * (edgeLine(corner, 0.05) * 0.9 + edgeLine(height - y, 0.08)) + 0.016);
  } else {
    // Roofs and ledges: an outline and a breath of colour.
    float rim = width * 0.5 - max(abs(vFace.x), side > 0.5 ? 0.0 : abs(vFace.y));
    float top = 1.0 - side;
    float weight = part < 0.5 ? 0.16 : body ? mix(0.85, 1.7, wrong) : 0.42;
    light += tone * top * (edgeLine(rim, 0.06) * weight + (part > 1.5 ? 0.07 : 0.02) * (1.0 + 2.0 * wrong)) * mix(1.0, 0.5, unknown);
    light += tone * side * (part > 1.5 ? 0.035 : 0.02);
    ink = top * max(edgeLine(rim, 0.07) * (part < 0.5 ? 0.3 : 0.85), accent * edgeLine(rim, 0.1));
    paint = wrong * top * 0.3;
    light += accent * top * edgeLine(rim, 0.09) * 0.9;
  }

  float facing = max(0.0, dot(normalize(cameraPosition - vWorld), normal));
  base += vec3(0.010, 0.016, 0.034) * pow(1.0 - facing, 4.0) * side;
  vec3 c = base + light;
  if (uDay > 0.5) {
    // Sun over the viewer's shoulder, sky from above, a shadow where the house meets the street.
    float sun = max(0.0, dot(normal, normalize(vec3(0.36, 0.62, -0.70))));
    vec3 shade = vec3(0.26, 0.32, 0.42) + vec3(0.68, 0.62, 0.52) * sun + vec3(0.04, 0.05, 0.07) * max(0.0, normal.y);
    vec3 wall = vec3(0.90, 0.91, 0.92) * mix(0.90, 1.06, fract(vLot.w * 0.137)) * shade * (0.62 + 0.38 * smoothstep(0.0, 2.4, y)) * mix(1.0, 0.72, unknown);
    vec3 pane = mix(vec3(0.22, 0.28, 0.34) * (0.5 + 0.5 * sun), tone * (0.75 + 0.5 * sun) + vec3(0.02, 0.05, 0.08), room * (1.0 - unknown) * 0.8);
    c = mix(wall, tone, paint * 0.85);
    c = mix(c, pane, glass * mix(0.85, 0.5, wrong));
    c = mix(c, tone * (0.8 + 0.3 * sun), ink);
    c = mix(c, vec3(0.0, 0.03, 0.10), accent * 0.25 * ink);
    c = mix(c, daySky(vec3(0.0, 0.1, 1.0)) * 0.9, vState.w * 0.78);
  } else c *= mix(1.0, 0.12, vState.w);
  if (uMirror > 0.5) c *= uDay > 0.5 ? 0.9 : exp(-y * 0.30) * 0.85;
  gl_FragColor = vec4(haze(c, vWorld), 1.0);
  ${OUTPUT}
}`;

export function createBuildings(attributes: FleetAttributes, uniforms: CityUniforms): { buildings: THREE.Mesh; mirror: THREE.Mesh } {
  const geometry = attributes.instance(towerGeometry());
  const mesh = (mirrored: boolean) =>
    new THREE.Mesh(geometry, material(uniforms, VERTEX, FRAGMENT, { side: mirrored ? THREE.BackSide : THREE.FrontSide }, { uMirror: { value: mirrored ? 1 : 0 } }));
  return { buildings: unculled(mesh(false)), mirror: unculled(mesh(true), LAYER.mirror) };
}
