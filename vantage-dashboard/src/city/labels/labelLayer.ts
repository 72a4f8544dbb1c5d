import { statusLook, toStatus, needsAttention } from '../../world/status';
import type { World } from '../../world/world';
import { project, type View } from '../camera/rig';
import type { Fleet } from '../fleet';
import { cullLabels, type LabelBox } from './cull';
import './labels.css';

/** Service names over their roofs: a pool of DOM elements, moved by hand so that React is not asked 60 times a second. */

const LIMIT = 150;
const HEIGHT_PX = 17;
const CHARACTER_PX = 6.7;
const PADDING_PX = 12;
/** Who is shown is decided this often; where it is, every frame. */
const CULL_EVERY_MS = 160;
const ABOVE_ROOF = 0.85;
const ABOVE_BEACON = 2.7;

interface Label {
  element: HTMLElement;
  glyph: HTMLElement;
  name: HTMLElement;
  slot: number;
  tone: string;
}

export interface LabelFocus {
  selected: number;
  hovered: number;
}

export class LabelLayer {
  private readonly pool: Label[] = [];
  private shown: number[] = [];
  private culledAt = -Infinity;

  constructor(private readonly host: HTMLElement) {}

  update(world: World, fleet: Fleet, view: View, size: { width: number; height: number }, now: number, focus: LabelFocus): void {
    const wall = performance.now();
    if (wall - this.culledAt > CULL_EVERY_MS) {
      this.culledAt = wall;
      this.shown = this.choose(world, fleet, view, size, now, focus);
    }
    const aspect = size.width / size.height;
    this.shown.forEach((slot, i) => this.place(this.label(i), slot, world, fleet, view, aspect, size, now, focus));
    for (let i = this.shown.length; i < this.pool.length; i++) this.hide(this.pool[i]!);
  }

  dispose(): void {
    this.host.replaceChildren();
    this.pool.length = 0;
  }

  private choose(world: World, fleet: Fleet, view: View, size: { width: number; height: number }, now: number, focus: LabelFocus): number[] {
    const slots: number[] = [], boxes: LabelBox[] = [];
    const aspect = size.width / size.height;
    for (const [slot, entry] of world.services) {
      const at = this.anchor(slot, fleet, now, view, aspect, size);
      if (!at || fleet.dim[slot]) continue;
      const status = world.columns.status[slot]!;
      slots.push(slot);
      boxes.push({
        x: at.x,
        y: at.y,
        width: entry.name.length * CHARACTER_PX + PADDING_PX,
        height: HEIGHT_PX,
        priority: (slot === focus.selected ? 4000 : 0) + (slot === focus.hovered ? 2000 : 0) + (status >= 2 ? status * 300 : 0) + 40 * fleet.load[slot * 4 + 1]! + 4000 / (at.depth + 10),
      });
    }
    return cullLabels(boxes, LIMIT, size).map((i) => slots[i]!);
  }

  private anchor(slot: number, fleet: Fleet, now: number, view: View, aspect: number, size: { width: number; height: number }): { x: number; y: number; depth: number } | null {
    const at = slot * 4;
    const lift = fleet.spin[at + 3]! >= 2 ? ABOVE_BEACON : ABOVE_ROOF;
    const seen = project(view, aspect, { x: fleet.lot[at]!, y: fleet.heightAt(slot, now) + lift, z: fleet.lot[at + 1]! });
    if (seen.depth < 2) return null;
    return { x: ((seen.x + 1) / 2) * size.width, y: ((1 - seen.y) / 2) * size.height, depth: seen.depth };
  }

  private place(label: Label, slot: number, world: World, fleet: Fleet, view: View, aspect: number, size: { width: number; height: number }, now: number, focus: LabelFocus): void {
    const entry = world.services.get(slot);
    const at = entry && this.anchor(slot, fleet, now, view, aspect, size);
    if (!at) {
      this.hide(label);
      return;
    }
    const status = toStatus(world.columns.status[slot]!);
    const look = statusLook(status);
    const tone = `${look.tone}${slot === focus.selected ? ' selected' : slot === focus.hovered ? ' hovered' : ''}`;
    if (label.slot !== slot || label.name.textContent !== entry.name) label.name.textContent = entry.name;
    if (label.tone !== tone || label.slot !== slot) {
      label.element.className = `city-label ${tone}`;
      label.glyph.textContent = needsAttention(status) ? look.glyph : '';
      label.tone = tone;
    }
    label.slot = slot;
    const far = Math.min(1, Math.max(0.42, 1.25 - at.depth / (view.eye.y * 5 + 40)));
    label.element.style.opacity = tone.includes('selected') || status >= 2 ? '1' : far.toFixed(2);
    label.element.style.transform = `translate(${at.x.toFixed(1)}px,${at.y.toFixed(1)}px) translate(-50%,-100%)`;
  }

  private label(i: number): Label {
    const existing = this.pool[i];
    if (existing) return existing;
    const element = document.createElement('div');
    const glyph = document.createElement('span');
    glyph.className = 'glyph';
    const name = document.createElement('span');
    element.append(glyph, name);
    this.host.append(element);
    const label: Label = { element, glyph, name, slot: -1, tone: '' };
    this.pool.push(label);
    return label;
  }

  private hide(label: Label): void {
    if (label.slot === -1) return;
    label.slot = -1;
    label.tone = '';
    label.element.className = 'city-label hidden';
  }
}
