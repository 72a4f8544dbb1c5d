import { expect, it } from 'vitest';
import { fit, GREATEST_SCALE, LEAST_SCALE, reveal, zoom } from './camera';

const view = { width: 848, height: 448 };

it('fits all of it, in the middle, and never larger than life', () => {
  expect(fit({ width: 1600, height: 100 }, view)).toEqual({ scale: 0.5, x: 24, y: 199 });
  expect(fit({ width: 100, height: 100 }, view)).toEqual({ scale: 1, x: 374, y: 174 });
  expect(fit({ width: 0, height: 0 }, view).scale).toBe(1);
});

it('begins at the begin when all of it would be too small to read', () => {
  expect(fit({ width: 8000, height: 100 }, view, 0.6)).toMatchObject({ scale: 0.6, x: 24 });
});

it('zooms about a point, within limits', () => {
  const camera = { x: 10, y: 20, scale: 1 }, at = { x: 110, y: 220 };
  const near = zoom(camera, 2, at);
  expect([(at.x - near.x) / near.scale, (at.y - near.y) / near.scale]).toEqual([100, 200]);
  expect(zoom(camera, 1e9, at).scale).toBe(GREATEST_SCALE);
  expect(zoom(camera, 1e-9, at).scale).toBe(LEAST_SCALE);
});

it('moves only as far as is needed to show something', () => {
  const camera = { x: 0, y: 0, scale: 1 }, box = { width: 100, height: 50 };
  expect(reveal(camera, { x: 300, y: 100, ...box }, view)).toEqual(camera);
  expect(reveal(camera, { x: 900, y: -100, ...box }, view)).toEqual({ x: -176, y: 124, scale: 1 });
});
