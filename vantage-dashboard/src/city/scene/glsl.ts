/** Shader text that several meshes share. */

/** The sky as a function of direction; distance fades into the very same colour, so the horizon has no seam. */
const SKY = /* glsl */ `
uniform float uHazeScale;
uniform float uDay;
vec3 daySky(vec3 d) {
  float up = max(d.y, 0.0);
  vec3 c = mix(vec3(0.66, 0.76, 0.84), vec3(0.13, 0.33, 0.66), smoothstep(-0.02, 0.5, up));
  float sun = pow(max(0.0, dot(normalize(d.xz + vec2(1e-5)), vec2(0.46, -0.89))), 3.0);
  return c + vec3(0.16, 0.09, 0.01) * sun * exp(-up * 5.0);
}
vec3 skyColor(vec3 d) {
  if (uDay > 0.5) return daySky(d);
  float up = max(d.y, 0.0);
  vec3 zenith = vec3(0.0025, 0.0045, 0.014);
  vec3 dusk = vec3(0.016, 0.017, 0.062);
  vec3 c = mix(dusk, zenith, smoothstep(0.0, 0.42, up));
  float low = exp(-up * 11.0);
  vec2 azimuth = normalize(d.xz + vec2(1e-5));
  float warm = pow(max(0.0, dot(azimuth, vec2(0.10, 0.995))), 3.0);
  float cool = pow(max(0.0, dot(azimuth, vec2(-0.88, 0.47))), 2.0);
  c += low * (vec3(0.062, 0.010, 0.078) * warm + vec3(0.003, 0.034, 0.058) * cool + vec3(0.010, 0.014, 0.040));
  return c;
}
vec3 haze(vec3 c, vec3 world) {
  vec3 ray = world - cameraPosition;
  float distance = length(ray);
  float thick = 1.0 - exp(-pow(distance * uHazeScale, 2.6));
  // Mist lies low between the houses.
  float mist = (1.0 - exp(-distance * uHazeScale * 0.55)) * exp(-max(world.y, 0.0) * 0.22) * mix(0.42, 0.16, uDay);
  return mix(c, skyColor(vec3(ray.x, 0.0, ray.z) / max(distance, 1e-3)), clamp(thick + mist, 0.0, 1.0));
}
/** What the haze leaves of a light. */
float clearness(vec3 world) { return exp(-pow(length(world - cameraPosition) * uHazeScale, 2.6)); }`;

export const COMMON = /* glsl */ `
uniform float uTime;
uniform vec3 uStatus[4];
${SKY}
float hash21(vec2 p) {
  p = fract(p * vec2(127.13, 311.71));
  p += dot(p, p + 37.37);
  return fract(p.x * p.y);
}
vec3 statusColor(float status) { return uStatus[int(status + 0.5)]; }
float isStatus(float status, float code) { return 1.0 - step(0.5, abs(status - code)); }
`;

/** Reads a slot's record (see Fleet) and moves between its two values. */
export const FLEET = /* glsl */ `
attribute vec4 aLot;
attribute vec4 aRise;
attribute vec4 aLoad;
attribute vec4 aSpin;
attribute float aDim;
uniform float uRiseSeconds;
uniform float uLoadSeconds;
float heightNow() { return mix(aRise.x, aRise.y, smoothstep(0.0, 1.0, (uTime - aRise.z) / uRiseSeconds)); }
float loadNow() { return mix(aLoad.x, aLoad.y, clamp((uTime - aLoad.z) / uLoadSeconds, 0.0, 1.0)); }
const vec4 NOWHERE = vec4(2.0, 2.0, 2.0, 1.0);
`;

/** Last lines of every fragment shader: they do nothing inside the composer and encode without it. */
export const OUTPUT = /* glsl */ `
#include <tonemapping_fragment>
#include <colorspace_fragment>
`;

/**
 * The same for what shines (blending: GLOWING). By night its light is added to what is behind; by day, when light on
 * light would be lost, it covers what is behind as paint does.
 */
export const glowOutput = (tone: string, strength: string): string => /* glsl */ `
float cover = clamp(${strength}, 0.0, 1.0);
gl_FragColor = vec4(uDay > 0.5 ? ${tone} : ${tone} * ${strength}, 1.0);
${OUTPUT}
gl_FragColor = uDay > 0.5 ? vec4(gl_FragColor.rgb * cover, cover) : vec4(gl_FragColor.rgb, 0.0);
`;

export const CURVE = /* glsl */ `
uniform sampler2D uCurves;
const int CURVE_ROWS = 1024;
vec4 curveTexel(int id, int i) { return texelFetch(uCurves, ivec2((id / CURVE_ROWS) * 4 + i, id % CURVE_ROWS), 0); }
vec3 curveAt(int id, float t) {
  vec3 a = curveTexel(id, 0).xyz, b = curveTexel(id, 1).xyz, c = curveTexel(id, 2).xyz, d = curveTexel(id, 3).xyz;
  float u = 1.0 - t;
  return u * u * u * a + 3.0 * u * u * t * b + 3.0 * u * t * t * c + t * t * t * d;
}
bool curveExists(int id) { return curveTexel(id, 0).a > 0.5; }
`;
