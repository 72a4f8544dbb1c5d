/** Where a person looks at a plane from: a point of it is drawn at `point * scale + offset`. Pure. */
export interface Camera {
  x: number;
  y: number;
  scale: number;
}

export interface Size {
  width: number;
  height: number;
}

export const LEAST_SCALE = 0.05;
export const GREATEST_SCALE = 3;
const MARGIN = 24;

/** All of the content in the middle, never larger than life, and not so small that nothing can be read. */
export function fit(content: Size, view: Size, leastScale = LEAST_SCALE): Camera {
  const wanted = Math.min((view.width - 2 * MARGIN) / content.width, (view.height - 2 * MARGIN) / content.height, 1);
  const scale = Number.isFinite(wanted) ? Math.max(leastScale, wanted) : 1;
  const begin = (inner: number, outer: number) => (inner * scale + 2 * MARGIN > outer ? MARGIN : (outer - inner * scale) / 2);
  return { scale, x: begin(content.width, view.width), y: begin(content.height, view.height) };
}

/** Nearer or further about a point of the view, which stays where it is. */
export function zoom({ x, y, scale }: Camera, factor: number, at: { x: number; y: number }): Camera {
  const next = Math.max(LEAST_SCALE, Math.min(GREATEST_SCALE, scale * factor));
  return { scale: next, x: at.x - ((at.x - x) / scale) * next, y: at.y - ((at.y - y) / scale) * next };
}

export const pan = (camera: Camera, dx: number, dy: number): Camera => ({ ...camera, x: camera.x + dx, y: camera.y + dy });

/** Moved just so far that a rectangle of the plane is in view. */
export function reveal(camera: Camera, { x, y, width, height }: Size & { x: number; y: number }, view: Size): Camera {
  const into = (begin: number, length: number, room: number) => (begin < MARGIN ? MARGIN - begin : Math.min(0, room - MARGIN - (begin + length)));
  return pan(
    camera,
    into(x * camera.scale + camera.x, width * camera.scale, view.width),
    into(y * camera.scale + camera.y, height * camera.scale, view.height),
  );
}
