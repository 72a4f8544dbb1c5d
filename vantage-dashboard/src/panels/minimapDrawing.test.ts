import { describe, expect, it } from 'vitest';
import type { MapPicture } from '../city/mapView';
import { drawMap, type MapInk } from './minimapDrawing';

const ink: MapInk = { ground: 'ground', line: 'line', sight: 'sight', selected: 'selected', statuses: ['unknown', 'healthy', 'degraded', 'unhealthy'] };
const STATUSES = [1, 2, 3, 0, 77, 1];

/** Three streets of houses; the last lot is empty. */
const picture: MapPicture = {
  bounds: { minX: 0, maxX: 60, minZ: 0, maxZ: 40 },
  districts: [{ minX: 5, maxX: 25, minZ: 5, maxZ: 25 }],
  lots: new Float32Array([10, 10, 2, 0, 14, 10, 2, 0, 18, 10, 2, 0, 22, 10, 2, 0, 10, 20, 2, 0, 0, 0, 0, 0]),
  statusOf: (slot) => STATUSES[slot]!,
  dim: new Float32Array(6),
  count: 6,
  selected: -1,
  sight: [{ x: 0, z: 0 }, { x: 10, z: 0 }, { x: 10, z: 10 }, { x: 0, z: 10 }],
};

/** A pen that writes down what it draws, in which colour and how strongly. */
function recorder() {
  const done: { what: string; colour: string; alpha: number; corners?: number }[] = [];
  let corners = 0;
  const pen = {
    fillStyle: '', strokeStyle: '', lineWidth: 1, globalAlpha: 1,
    beginPath: () => (corners = 0),
    moveTo: () => corners++,
    lineTo: () => corners++,
    closePath: () => undefined,
    clearRect: () => undefined,
    fill: () => done.push({ what: 'shape', colour: pen.fillStyle, alpha: pen.globalAlpha, corners }),
    stroke: () => done.push({ what: 'outline', colour: pen.strokeStyle, alpha: pen.globalAlpha, corners }),
    fillRect: () => done.push({ what: 'square', colour: pen.fillStyle, alpha: pen.globalAlpha }),
    strokeRect: () => done.push({ what: 'frame', colour: pen.strokeStyle, alpha: pen.globalAlpha }),
  };
  return { pen: pen as unknown as CanvasRenderingContext2D, done };
}

const drawn = (changes: Partial<MapPicture> = {}) => {
  const { pen, done } = recorder();
  drawMap(pen, 196, 136, { ...picture, ...changes }, ink);
  return done;
};

describe('drawMap', () => {
  it('draws a house for each that is lived in, in the colour of its status', () => {
    const houses = drawn().filter(({ what, colour }) => what === 'square' && colour !== 'ground');
    expect(houses.map(({ colour }) => colour)).toEqual(['healthy', 'unknown', 'unknown']);
  });

  it('tells degraded from unhealthy by shape: a triangle, a diamond', () => {
    const shapes = drawn().filter(({ what, colour }) => what === 'shape' && colour !== 'sight');
    expect(shapes.map(({ colour, corners }) => [colour, corners])).toEqual([['degraded', 3], ['unhealthy', 4]]);
  });

  it('draws what steps back faintly, and does not leave it out', () => {
    const dimmed = drawn({ dim: new Float32Array(6).fill(1) }).filter(({ colour }) => ink.statuses.includes(colour));
    expect(dimmed).toHaveLength(5);
    expect(Math.max(...dimmed.map(({ alpha }) => alpha))).toBeLessThan(0.3);
  });

  it('frames the selected house, and outlines what the camera sees', () => {
    expect(drawn().filter(({ colour }) => colour === 'selected')).toEqual([]);
    expect(drawn({ selected: 2 }).filter(({ colour }) => colour === 'selected')).toHaveLength(1);
    expect(drawn().find(({ what, colour }) => what === 'outline' && colour === 'sight')?.corners).toBe(4);
  });
});
