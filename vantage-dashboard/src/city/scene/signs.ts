import * as THREE from 'three';
import type { District } from '../../world/model';
import { HALF_AVENUE, Ground } from '../plan';
import { COMMON, glowOutput } from './glsl';
import { setInstances } from './instances';
import { GLOWING, LAYER, material, unculled, type CityUniforms } from './uniforms';

/** District names painted on the avenues, on all four sides: one texture, one draw call. */

const ROW_PX = 64;
const ROW_WIDTH_PX = 1024;
/** The tallest texture every machine takes; more names than fit into it get smaller rows. */
const TALLEST_PX = 4096;
const LEAST_ROW_PX = 16;
const MAX_ROWS = TALLEST_PX / LEAST_ROW_PX;
/** Longer names are cut: measuring ten thousand letters takes a frame. */
const LONGEST = 40;
const LETTER_HEIGHT = HALF_AVENUE * 0.7;

const VERTEX = /* glsl */ `
attribute vec4 aPlace;  // x, z, right x, right z (unit)
attribute vec4 aText;   // length, texture row, rows, share of the row in use
varying vec3 vWorld;
varying vec2 vUv;
void main() {
  vec2 right = aPlace.zw;
  vec2 up = vec2(right.y, -right.x);
  vec2 at = aPlace.xy + right * (position.x + 0.5) * aText.x + up * position.y * ${LETTER_HEIGHT.toFixed(2)};
  vWorld = vec3(at.x, 0.0, at.y);
  vUv = vec2((position.x + 0.5) * aText.w, 1.0 - (aText.y + 0.5 - position.y) / aText.z);
  gl_Position = projectionMatrix * viewMatrix * vec4(vWorld, 1.0);
}`;

const FRAGMENT = /* glsl */ `
${COMMON}
uniform sampler2D uText;
varying vec3 vWorld;
varying vec2 vUv;
void main() {
  float ink = texture2D(uText, vUv).r;
  vec3 tone = mix(vec3(0.26, 0.285, 0.59), vec3(0.10, 0.13, 0.26), uDay);
  float strength = mix(ink * ink, ink, uDay) * clearness(vWorld);
  ${glowOutput('tone', 'strength')}
}`;

export class Signs {
  readonly mesh: THREE.Mesh<THREE.InstancedBufferGeometry, THREE.ShaderMaterial>;
  private readonly text = { value: null as THREE.CanvasTexture | null };

  constructor(uniforms: CityUniforms) {
    const plane = new THREE.PlaneGeometry(1, 1);
    const geometry = new THREE.InstancedBufferGeometry();
    geometry.setIndex(plane.index);
    geometry.setAttribute('position', plane.getAttribute('position'));
    const shader = material(uniforms, VERTEX, FRAGMENT, { transparent: true, depthWrite: false, ...GLOWING, side: THREE.DoubleSide }, { uText: this.text });
    this.mesh = unculled(new THREE.Mesh(geometry, shader), LAYER.signs);
    this.set([], new Ground([]));
  }

  set(districts: readonly District[], ground: Ground): void {
    const named = districts.filter((district) => district.name !== '').slice(0, MAX_ROWS);
    const rowPx = Math.max(LEAST_ROW_PX, Math.min(ROW_PX, Math.floor(TALLEST_PX / Math.max(1, named.length))));
    const { texture, widths } = paint(named.map((district) => district.name), rowPx);
    this.text.value?.dispose();
    this.text.value = texture;
    const rows = Math.max(1, named.length);
    const place: number[] = [], text: number[] = [];
    named.forEach((district, row) => {
      const rect = ground.rect(district);
      const room = Math.min(rect.maxX - rect.minX, rect.maxZ - rect.minZ);
      const length = Math.min(room, (widths[row]! / rowPx) * LETTER_HEIGHT);
      const out = HALF_AVENUE * 0.56;
      // Each side is written to be read from outside, starting at its own left corner.
      for (const [x, z, rx, rz] of [
        [rect.maxX, rect.minZ - out, -1, 0],
        [rect.minX, rect.maxZ + out, 1, 0],
        [rect.minX - out, rect.minZ, 0, 1],
        [rect.maxX + out, rect.maxZ, 0, -1],
      ] as const) {
        place.push(x, z, rx, rz);
        text.push(length, row, rows, widths[row]! / ROW_WIDTH_PX);
      }
    });
    const attribute = (numbers: number[]) => new THREE.InstancedBufferAttribute(new Float32Array(numbers), 4);
    setInstances(this.mesh.geometry, { aPlace: attribute(place), aText: attribute(text) }, place.length / 4);
  }
}

function paint(names: readonly string[], rowPx: number): { texture: THREE.CanvasTexture; widths: number[] } {
  const canvas = document.createElement('canvas');
  canvas.width = ROW_WIDTH_PX;
  canvas.height = rowPx * Math.max(1, names.length);
  const pen = canvas.getContext('2d');
  const widths = names.map((name, row) => {
    if (!pen) return 0;
    pen.font = `600 ${rowPx * 0.62}px Inter, system-ui, sans-serif`;
    pen.letterSpacing = `${rowPx / 8}px`;
    pen.textBaseline = 'middle';
    pen.fillStyle = '#fff';
    const label = name.slice(0, LONGEST).toUpperCase();
    const width = Math.min(ROW_WIDTH_PX, pen.measureText(label).width + 8);
    pen.fillText(label, 4, rowPx * (row + 0.52), ROW_WIDTH_PX - 8);
    return width;
  });
  const texture = new THREE.CanvasTexture(canvas);
  texture.anisotropy = 8;
  return { texture, widths };
}
