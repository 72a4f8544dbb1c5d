import type { Rect, Vec3 } from '../plan';

/** The RTS camera as plain numbers: where it looks, from where, and how it gets there. No three, no DOM. */

const DEGREE = Math.PI / 180;
export const MIN_PITCH = 25 * DEGREE;
export const MAX_PITCH = 75 * DEGREE;
export const TOP_PITCH = 89.9 * DEGREE;
export const FOV = 42 * DEGREE;
const MIN_DISTANCE = 7;
/** At low pitch the view is tilted up by this much, so that the skyline meets the sky. */
const LIFT = 11 * DEGREE;
/** Time constant of the damping: after three of these a movement is as good as done. */
const DAMPING_S = 0.13;

export interface Pose {
  /** The point on the ground that everything turns around. */
  target: Vec3;
  yaw: number;
  pitch: number;
  distance: number;
}

/** Where a pose puts the eye, and the camera's own axes. */
export interface View {
  eye: Vec3;
  right: Vec3;
  up: Vec3;
  back: Vec3;
}

/** Fractions of the view (0–1) that panels cover. */
export interface Insets {
  left: number;
  right: number;
  top: number;
  bottom: number;
  /** A panel over the upper left corner: nothing to be seen should lie under it, what is beside it may. */
  corner?: { width: number; height: number };
}

export const NO_INSETS: Insets = { left: 0, right: 0, top: 0, bottom: 0 };

export function liftOf(pitch: number): number {
  const flat = Math.max(0, Math.min(1, (50 * DEGREE - pitch) / (50 * DEGREE - MIN_PITCH)));
  return LIFT * flat;
}

export function viewOf({ target, yaw, pitch, distance }: Pose): View {
  const sy = Math.sin(yaw), cy = Math.cos(yaw);
  const eye = {
    x: target.x + sy * Math.cos(pitch) * distance,
    y: target.y + Math.sin(pitch) * distance,
    z: target.z + cy * Math.cos(pitch) * distance,
  };
  const look = pitch - liftOf(pitch);
  const sp = Math.sin(look), cp = Math.cos(look);
  return {
    eye,
    right: { x: cy, y: 0, z: -sy },
    up: { x: -sy * sp, y: cp, z: -cy * sp },
    back: { x: sy * cp, y: sp, z: cy * cp },
  };
}

export interface Projected {
  /** -1 left … 1 right. */
  x: number;
  /** -1 bottom … 1 top. */
  y: number;
  /** Distance along the view; not positive behind the eye. */
  depth: number;
}

export function project(view: View, aspect: number, point: Vec3): Projected {
  const d = { x: point.x - view.eye.x, y: point.y - view.eye.y, z: point.z - view.eye.z };
  const depth = -dot(d, view.back);
  const half = Math.tan(FOV / 2) * Math.max(depth, 1e-6);
  return { x: dot(d, view.right) / (half * aspect), y: dot(d, view.up) / half, depth };
}

/** Direction of the ray through a point of the view (-1 … 1). */
export function rayThrough(view: View, aspect: number, x: number, y: number): Vec3 {
  const half = Math.tan(FOV / 2);
  const rx = x * half * aspect, ry = y * half;
  return {
    x: view.right.x * rx + view.up.x * ry - view.back.x,
    y: view.right.y * rx + view.up.y * ry - view.back.y,
    z: view.right.z * rx + view.up.z * ry - view.back.z,
  };
}

/** Where that ray meets the ground, or null when it goes to the sky (or too far to be meant). */
export function groundUnder(view: View, aspect: number, x: number, y: number): Vec3 | null {
  const d = rayThrough(view, aspect, x, y);
  if (d.y > -0.02) return null;
  const t = -view.eye.y / d.y;
  return { x: view.eye.x + d.x * t, y: 0, z: view.eye.z + d.z * t };
}

export interface Angles {
  yaw: number;
  pitch: number;
}

/** Turning away from the first angles has to pay: this much of the free view for each step down the list. */
const STEP_COST = 0.012;
/** What hides under the corner panel costs more than any angle gains. */
const CORNER_COST = 0.5;
/** How far the picture may give way to that panel: shares of its width. */
const GIVE_WAY = [0, 0.4, 0.7, 1];

/** The pose, with one of the given angles, in which the points fill the most of what the panels leave free. */
export function frameBest(points: readonly Vec3[], angles: readonly Angles[], aspect: number, insets: Insets = NO_INSETS): Pose {
  const free = (1 - insets.left - insets.right) * (1 - insets.top - insets.bottom) * 4;
  const { corner = { width: 0, height: 0 } } = insets;
  const lefts = corner.width > 0 ? GIVE_WAY.map((share) => Math.max(insets.left, corner.width * share)) : [insets.left];
  const tried = angles.flatMap((angle, i) =>
    lefts.map((left) => {
      const pose = framePoints(points, angle, aspect, { ...insets, left });
      const { minX, maxX, minY, maxY } = extent(points, pose, aspect);
      const hidden = points.some((point) => inCorner(project(viewOf(pose), aspect, point), corner));
      return { pose, filled: ((maxX - minX) * (maxY - minY)) / free - i * STEP_COST - (hidden ? CORNER_COST : 0) };
    }),
  );
  return tried.reduce((best, other) => (other.filled > best.filled ? other : best)).pose;
}

function inCorner({ x, y }: Projected, { width, height }: { width: number; height: number }): boolean {
  return x < -1 + 2 * width && y > 1 - 2 * height;
}

function extent(points: readonly Vec3[], pose: Pose, aspect: number): { minX: number; maxX: number; minY: number; maxY: number; nearest: number } {
  const view = viewOf(pose);
  const all = { minX: Infinity, maxX: -Infinity, minY: Infinity, maxY: -Infinity, nearest: Infinity };
  for (const point of points) {
    const { x, y, depth } = project(view, aspect, point);
    all.minX = Math.min(all.minX, x);
    all.maxX = Math.max(all.maxX, x);
    all.minY = Math.min(all.minY, y);
    all.maxY = Math.max(all.maxY, y);
    all.nearest = Math.min(all.nearest, depth);
  }
  return all;
}

/** The pose, with the given angles, in which the points fill what the panels leave free. */
export function framePoints(points: readonly Vec3[], angles: Angles, aspect: number, insets: Insets = NO_INSETS): Pose {
  const free = { minX: -1 + 2 * insets.left, maxX: 1 - 2 * insets.right, minY: -1 + 2 * insets.bottom, maxY: 1 - 2 * insets.top };
  const pose: Pose = { target: meanOf(points), ...angles, distance: 10 };
  // Perspective makes size and centre depend on each other; a few rounds settle both.
  for (let round = 0; round < 24; round++) {
    const { minX, maxX, minY, maxY, nearest } = extent(points, pose, aspect);
    if (nearest < 1) {
      pose.distance *= 1.6;
      continue;
    }
    const scale = Math.max((maxX - minX) / (free.maxX - free.minX), (maxY - minY) / (free.maxY - free.minY));
    shift(pose, (minX + maxX) / 2 - (free.minX + free.maxX) / 2, (minY + maxY) / 2 - (free.minY + free.maxY) / 2, aspect);
    pose.distance = Math.max(MIN_DISTANCE, pose.distance * scale ** 0.8);
  }
  return pose;
}

/** Moves the pose's target until the points lie in what the panels leave free; whether it had to. Distance and angles stay. */
export function pullIntoView(points: readonly Vec3[], pose: Pose, aspect: number, insets: Insets = NO_INSETS): boolean {
  const free = { minX: -1 + 2 * insets.left, maxX: 1 - 2 * insets.right, minY: -1 + 2 * insets.bottom, maxY: 1 - 2 * insets.top };
  for (let round = 0; round < 12; round++) {
    const { minX, maxX, minY, maxY, nearest } = extent(points, pose, aspect);
    const offX = overhang(minX, maxX, free.minX, free.maxX), offY = overhang(minY, maxY, free.minY, free.maxY);
    if (nearest >= 1 && Math.abs(offX) < 1e-3 && Math.abs(offY) < 1e-3) return round > 0;
    // From the horizon, or from behind the eye, no small step leads here.
    if (round === 0 && (nearest < 1 || Math.hypot(offX, offY) > 1)) pose.target = meanOf(points);
    else shift(pose, offX, offY, aspect);
  }
  return true;
}

/** How far an interval sticks out of another; what is too long for it is centred. */
function overhang(min: number, max: number, freeMin: number, freeMax: number): number {
  if (max - min > freeMax - freeMin) return (min + max) / 2 - (freeMin + freeMax) / 2;
  return Math.min(0, min - freeMin) + Math.max(0, max - freeMax);
}

/** On the ground. */
function meanOf(points: readonly Vec3[]): Vec3 {
  const mean = (of: (point: Vec3) => number) => points.reduce((sum, point) => sum + of(point), 0) / points.length;
  return { x: mean((p) => p.x), y: 0, z: mean((p) => p.z) };
}

/** Moves the target so that the picture moves by about this much of the view. */
function shift(pose: Pose, offX: number, offY: number, aspect: number): void {
  const { right } = viewOf(pose);
  const half = Math.tan(FOV / 2) * pose.distance;
  const aside = offX * half * aspect * 0.7, ahead = (offY * half * 0.7) / Math.max(0.35, Math.sin(pose.pitch));
  pose.target = {
    x: pose.target.x + right.x * aside - Math.sin(pose.yaw) * ahead,
    y: 0,
    z: pose.target.z + right.z * aside - Math.cos(pose.yaw) * ahead,
  };
}

export function boxCorners(rect: Rect, height: number): Vec3[] {
  return [rect.minX, rect.maxX].flatMap((x) => [rect.minZ, rect.maxZ].flatMap((z) => [0, height].map((y) => ({ x, y, z }))));
}

/** A pose that follows a goal smoothly. Inputs move the goal; frames move the pose. */
export class CameraRig {
  readonly goal: Pose;
  readonly pose: Pose;
  /** Keeps the city in reach. */
  bounds: Rect = { minX: -100, maxX: 100, minZ: -100, maxZ: 100 };
  maxDistance = 400;
  private topDown = false;
  private pitchBeforeTop = 0;

  constructor(start: Pose) {
    this.goal = clonePose(start);
    this.pose = clonePose(start);
  }

  /** Moves along the view's own right and ahead, in metres. */
  pan(right: number, ahead: number): void {
    const { yaw, target } = this.goal;
    target.x += Math.cos(yaw) * right - Math.sin(yaw) * ahead;
    target.z += -Math.sin(yaw) * right - Math.cos(yaw) * ahead;
    target.x = clamp(target.x, this.bounds.minX, this.bounds.maxX);
    target.z = clamp(target.z, this.bounds.minZ, this.bounds.maxZ);
  }

  orbit(yaw: number, pitch: number): void {
    this.goal.yaw += yaw;
    if (!this.topDown) this.goal.pitch = clamp(this.goal.pitch + pitch, MIN_PITCH, MAX_PITCH);
  }

  /** Changes the distance and keeps the ground under the cursor where it is. */
  zoom(factor: number, aspect: number, x: number, y: number): void {
    const before = groundUnder(viewOf(this.goal), aspect, x, y);
    this.goal.distance = clamp(this.goal.distance * factor, MIN_DISTANCE, this.maxDistance);
    const after = groundUnder(viewOf(this.goal), aspect, x, y);
    if (!before || !after) return;
    // Near the horizon a pixel is a kilometre: the cursor may pull, not throw.
    const limit = this.goal.distance * 0.5;
    this.goal.target.x = clamp(this.goal.target.x + clamp(before.x - after.x, -limit, limit), this.bounds.minX, this.bounds.maxX);
    this.goal.target.z = clamp(this.goal.target.z + clamp(before.z - after.z, -limit, limit), this.bounds.minZ, this.bounds.maxZ);
  }

  /** Looks at another point of the ground, from where it looks now. */
  lookAt(x: number, z: number): void {
    this.goal.target = { x: clamp(x, this.bounds.minX, this.bounds.maxX), y: 0, z: clamp(z, this.bounds.minZ, this.bounds.maxZ) };
  }

  toggleTopDown(): void {
    this.topDown = !this.topDown;
    if (this.topDown) this.pitchBeforeTop = this.goal.pitch;
    this.goal.pitch = this.topDown ? TOP_PITCH : this.pitchBeforeTop;
  }

  get isTopDown(): boolean {
    return this.topDown;
  }

  flyTo(pose: Pose): void {
    const { pitch } = this.goal;
    if (!this.topDown) this.pitchBeforeTop = pitch;
    // A kept view from above is one again when it is flown to.
    this.topDown = pose.pitch > MAX_PITCH;
    Object.assign(this.goal, clonePose(pose));
    // The short way round.
    const turn = 2 * Math.PI;
    this.goal.yaw += Math.round((this.pose.yaw - this.goal.yaw) / turn) * turn;
  }

  jumpTo(pose: Pose): void {
    this.flyTo(pose);
    Object.assign(this.pose, clonePose(this.goal));
  }

  /** How far the pose is from the goal, in a measure of no unit; 0 at rest. */
  get gap(): number {
    const { pose, goal } = this;
    return (
      Math.hypot(goal.target.x - pose.target.x, goal.target.y - pose.target.y, goal.target.z - pose.target.z) / goal.distance +
      Math.abs(goal.yaw - pose.yaw) + Math.abs(goal.pitch - pose.pitch) + Math.abs(Math.log(goal.distance / pose.distance))
    );
  }

  /** Moves the pose towards the goal; false when it has arrived. */
  step(seconds: number): boolean {
    const { pose, goal, gap } = this;
    const t = 1 - Math.exp(-Math.min(seconds, 0.1) / DAMPING_S);
    if (gap < 1e-4) {
      Object.assign(pose, clonePose(goal));
      return gap > 0;
    }
    pose.target.x += (goal.target.x - pose.target.x) * t;
    pose.target.y += (goal.target.y - pose.target.y) * t;
    pose.target.z += (goal.target.z - pose.target.z) * t;
    pose.yaw += (goal.yaw - pose.yaw) * t;
    pose.pitch += (goal.pitch - pose.pitch) * t;
    pose.distance *= (goal.distance / pose.distance) ** t;
    return true;
  }
}

const dot = (a: Vec3, b: Vec3): number => a.x * b.x + a.y * b.y + a.z * b.z;
const clamp = (value: number, min: number, max: number): number => Math.min(max, Math.max(min, value));
const clonePose = (pose: Pose): Pose => ({ ...pose, target: { ...pose.target } });
