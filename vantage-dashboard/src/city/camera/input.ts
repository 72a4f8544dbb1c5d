import { toBookmarkKey, type BookmarkKey } from '../bookmarks';
import type { CameraRig } from './rig';

/** Mouse, touch and keys, turned into moves of the rig. */

export interface CameraInputHandlers {
  /** The camera has somewhere to go: draw frames. */
  onActive: () => void;
  /** Pointer over the city without a button, in CSS pixels of the surface; null when it left. */
  onHover: (at: { x: number; y: number } | null) => void;
  /** A press and release in one place. */
  onClick: (at: { x: number; y: number }) => void;
  onFrameAll: () => void;
  onFrameSelected: () => void;
  onFollow: () => void;
  /** A person moved the view away from where it was. */
  onPan: () => void;
  /** Shift and a digit (`keep`), or a digit alone. */
  onBookmark: (key: BookmarkKey, keep: boolean) => void;
  /** A panel lies over this point, even where it lets the pointer through. */
  isCovered: (at: { x: number; y: number }) => boolean;
}

const CLICK_SLOP_PX = 5;
const EDGE_PX = 14;
/** A pointer on its way to something else crosses the edge; one that means it stays there. */
const EDGE_AFTER_MS = 250;
const ORBIT_PER_PX = 0.0055;
const KEY_TURN_PER_S = 1.5;
const KEY_PAN_PER_S = 0.9;
const EDGE_PAN_PER_S = 0.55;
const PAN_KEYS: Record<string, readonly [right: number, ahead: number]> = {
  w: [0, 1], s: [0, -1], a: [-1, 0], d: [1, 0], arrowup: [0, 1], arrowdown: [0, -1], arrowleft: [-1, 0], arrowright: [1, 0],
};

interface Point {
  x: number;
  y: number;
}

export class CameraInput {
  /** Whether the pointer moves the camera at the edge of the city. */
  edgePan = true;

  private readonly pointers = new Map<number, Point>();
  private readonly keys = new Set<string>();
  private pressedAt: Point | null = null;
  private moved = false;
  private orbiting = false;
  private hover: Point | null = null;
  private atEdgeSince: number | null = null;
  private readonly abort = new AbortController();

  constructor(
    private readonly surface: HTMLElement,
    private readonly rig: CameraRig,
    private readonly handlers: CameraInputHandlers,
  ) {
    const { signal } = this.abort;
    surface.addEventListener('pointerdown', (e) => this.down(e), { signal });
    surface.addEventListener('pointermove', (e) => this.move(e), { signal });
    surface.addEventListener('pointerup', (e) => this.up(e), { signal });
    surface.addEventListener('pointercancel', (e) => this.cancel(e), { signal });
    surface.addEventListener('pointerleave', () => this.setHover(null), { signal });
    surface.addEventListener('wheel', (e) => this.wheel(e), { signal, passive: false });
    surface.addEventListener('contextmenu', (e) => e.preventDefault(), { signal });
    window.addEventListener('keydown', (e) => this.keyDown(e), { signal });
    window.addEventListener('keyup', (e) => this.keys.delete(e.key.toLowerCase()), { signal });
    window.addEventListener('blur', () => this.keys.clear(), { signal });
  }

  dispose(): void {
    this.abort.abort();
  }

  /** Held keys and the screen's edges move the camera as long as they are held. True when they do, or are about to. */
  step(seconds: number): boolean {
    let right = 0, ahead = 0;
    for (const key of this.keys) {
      const way = PAN_KEYS[key];
      if (way) {
        right += way[0] * KEY_PAN_PER_S;
        ahead += way[1] * KEY_PAN_PER_S;
      }
    }
    const edge = this.edgeWay();
    right += edge.x * EDGE_PAN_PER_S;
    ahead += edge.y * EDGE_PAN_PER_S;
    const turn = (this.keys.has('q') ? 1 : 0) - (this.keys.has('e') ? 1 : 0);
    // A pointer that waits at the edge needs frames, or its time would never come.
    if (right === 0 && ahead === 0 && turn === 0) return this.atEdgeSince !== null;
    const reach = this.rig.goal.distance * seconds;
    if (right !== 0 || ahead !== 0) {
      this.rig.pan(right * reach, ahead * reach);
      this.handlers.onPan();
    }
    this.rig.orbit(turn * KEY_TURN_PER_S * seconds, 0);
    return true;
  }

  private get size(): { width: number; height: number } {
    return { width: this.surface.clientWidth || 1, height: this.surface.clientHeight || 1 };
  }

  /** Neither a panel nor the world outside pushes: there the pointer is not over the surface. */
  private edgeWay(): Point {
    const still = { x: 0, y: 0 };
    const at = this.hover;
    if (!this.edgePan || !at || this.pointers.size > 0) {
      this.atEdgeSince = null;
      return still;
    }
    const { width, height } = this.size;
    const way = {
      x: at.x < EDGE_PX ? -1 : at.x > width - EDGE_PX ? 1 : 0,
      y: at.y < EDGE_PX ? 1 : at.y > height - EDGE_PX ? -1 : 0,
    };
    if ((way.x === 0 && way.y === 0) || this.handlers.isCovered(at)) {
      this.atEdgeSince = null;
      return still;
    }
    const now = performance.now();
    this.atEdgeSince ??= now;
    return now - this.atEdgeSince < EDGE_AFTER_MS ? still : way;
  }

  private local(e: PointerEvent | WheelEvent): Point {
    const box = this.surface.getBoundingClientRect();
    return { x: e.clientX - box.left, y: e.clientY - box.top };
  }

  private down(e: PointerEvent): void {
    this.surface.setPointerCapture(e.pointerId);
    const at = this.local(e);
    this.pointers.set(e.pointerId, at);
    this.orbiting = e.button === 2 || e.button === 1 || e.ctrlKey || e.metaKey;
    this.pressedAt = this.pointers.size === 1 && e.button === 0 ? at : null;
    this.moved = false;
    this.setHover(null);
  }

  private move(e: PointerEvent): void {
    const at = this.local(e);
    const before = this.pointers.get(e.pointerId);
    if (!before) {
      if (e.pointerType === 'mouse') this.setHover(at);
      return;
    }
    if (this.pressedAt && Math.hypot(at.x - this.pressedAt.x, at.y - this.pressedAt.y) > CLICK_SLOP_PX) this.moved = true;
    if (this.pointers.size === 1) {
      if (this.moved || !this.pressedAt) this.drag(before, at);
    } else {
      this.pinch(e.pointerId, before, at);
    }
    this.pointers.set(e.pointerId, at);
    this.handlers.onActive();
  }

  private drag(before: Point, at: Point): void {
    const dx = at.x - before.x, dy = at.y - before.y;
    if (this.orbiting) {
      this.rig.orbit(-dx * ORBIT_PER_PX, dy * ORBIT_PER_PX);
      return;
    }
    const perPixel = (this.rig.goal.distance * 0.77) / this.size.height;
    this.rig.pan(-dx * perPixel, (dy * perPixel) / Math.max(0.45, Math.sin(this.rig.goal.pitch)));
    this.handlers.onPan();
  }

  /** Two fingers: spread to zoom, twist to turn, move together to pan. */
  private pinch(id: number, before: Point, at: Point): void {
    const other = [...this.pointers].find(([pointer]) => pointer !== id)?.[1];
    if (!other) return;
    const { width, height } = this.size;
    const spread = Math.hypot(before.x - other.x, before.y - other.y) / Math.max(1, Math.hypot(at.x - other.x, at.y - other.y));
    const middle = { x: (at.x + other.x) / 2, y: (at.y + other.y) / 2 };
    this.rig.zoom(spread, width / height, (middle.x / width) * 2 - 1, 1 - (middle.y / height) * 2);
    const twist = Math.atan2(at.y - other.y, at.x - other.x) - Math.atan2(before.y - other.y, before.x - other.x);
    this.rig.orbit(Math.atan2(Math.sin(twist), Math.cos(twist)), 0);
    this.orbiting = false;
    this.drag({ x: before.x / 2, y: before.y / 2 }, { x: at.x / 2, y: at.y / 2 });
  }

  private up(e: PointerEvent): void {
    const at = this.local(e);
    this.pointers.delete(e.pointerId);
    if (this.pressedAt && !this.moved && this.pointers.size === 0) this.handlers.onClick(at);
    this.pressedAt = null;
    if (e.pointerType === 'mouse') this.setHover(at);
  }

  private cancel(e: PointerEvent): void {
    this.pointers.delete(e.pointerId);
    this.pressedAt = null;
  }

  private wheel(e: WheelEvent): void {
    e.preventDefault();
    const at = this.local(e);
    const { width, height } = this.size;
    const lines = e.deltaMode === WheelEvent.DOM_DELTA_LINE ? e.deltaY * 30 : e.deltaY;
    this.rig.zoom(Math.exp(Math.max(-200, Math.min(200, lines)) * 0.0014), width / height, (at.x / width) * 2 - 1, 1 - (at.y / height) * 2);
    this.handlers.onActive();
  }

  private keyDown(e: KeyboardEvent): void {
    // Ctrl and a digit is the browser's own: it goes to another tab.
    if (e.altKey || e.ctrlKey || e.metaKey || isTyping(e.target)) return;
    // By its place on the keyboard, whatever the layout has there.
    const digit = /^(?:Digit|Numpad)([1-9])$/.exec(e.code);
    const bookmark = digit ? toBookmarkKey(Number(digit[1])) : undefined;
    if (bookmark) {
      e.preventDefault();
      this.handlers.onBookmark(bookmark, e.shiftKey);
      this.handlers.onActive();
      return;
    }
    const key = e.key.toLowerCase();
    if (key === 't') this.rig.toggleTopDown();
    else if (key === 'f' && e.shiftKey) this.handlers.onFollow();
    else if (key === 'f') this.handlers.onFrameSelected();
    else if (key === 'home') this.handlers.onFrameAll();
    else if (key in PAN_KEYS || key === 'q' || key === 'e') this.keys.add(key);
    else return;
    if (key.startsWith('arrow') || key === 'home') e.preventDefault();
    this.handlers.onActive();
  }

  private setHover(at: Point | null): void {
    this.hover = at;
    if (!at) this.atEdgeSince = null;
    this.handlers.onHover(at);
  }
}

/** Keys belong to a field, a list or a panel while one has the focus. */
function isTyping(target: EventTarget | null): boolean {
  return target instanceof HTMLElement && (target.isContentEditable || target.closest('input, textarea, select, [data-own-keys]') !== null);
}
