import { statusLook, toStatus, needsAttention } from '../../world/status';
import type { World } from '../../world/world';
import { FOV, project, type View } from '../camera/rig';
import { LOT } from '../encoding';
import type { Fleet } from '../fleet';
import { cullLabels, labelBudget, labelPriority, type LabelBox, type Overlay } from './cull';
import './labels.css';

/** Service names over their roofs: a pool of DOM elements, moved by hand so that React is not asked 60 times a second. */

const HEIGHT_PX = 19;
const CHARACTER_PX = 6.9;
const PADDING_PX = 14;
const GLYPH_PX = 14;
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

/** One frame's picture, and what lies over it. */
export interface LabelScene {
  world: World;
  fleet: Fleet;
  view: View;
  size: { width: number; height: number };
  /** From the eye to what it looks at. */
  distance: number;
  now: number;
  selected: number;
  hovered: number;
}

export class LabelLayer {
  private readonly pool: Label[] = [];
  private shown: number[] = [];
  private culledAt = -Infinity;

  constructor(
    private readonly host: HTMLElement,
    private readonly overlays: () => readonly Overlay[],
  ) {}

  update(scene: LabelScene): void {
    const wall = performance.now();
    if (wall - this.culledAt > CULL_EVERY_MS) {
      this.culledAt = wall;
      this.shown = this.choose(scene);
    }
    this.shown.forEach((slot, i) => this.place(this.label(i), slot, scene));
    for (let i = this.shown.length; i < this.pool.length; i++) this.hide(this.pool[i]!);
  }

  dispose(): void {
    this.host.replaceChildren();
    this.pool.length = 0;
  }

  private choose(scene: LabelScene): number[] {
    const { world, fleet, size, selected, hovered } = scene;
    const slots: number[] = [], boxes: LabelBox[] = [];
    const before = new Set(this.shown);
    for (const [slot, entry] of world.services) {
      const at = anchor(slot, scene);
      if (!at || fleet.dim[slot]) continue;
      const status = world.columns.status[slot]!;
      slots.push(slot);
      boxes.push({
        x: at.x,
        y: at.y,
        width: entry.name.length * CHARACTER_PX + PADDING_PX + (needsAttention(toStatus(status)) ? GLYPH_PX : 0),
        height: HEIGHT_PX,
        priority: labelPriority({ selected: slot === selected, hovered: slot === hovered, status, load: fleet.load[slot * 4 + 1]!, shown: before.has(slot) }),
      });
    }
    const lotPx = (LOT * size.height) / (2 * Math.tan(FOV / 2) * scene.distance);
    return cullLabels(boxes, labelBudget(lotPx), size, this.overlays()).map((i) => slots[i]!);
  }

  private place(label: Label, slot: number, scene: LabelScene): void {
    const entry = scene.world.services.get(slot);
    const at = entry && anchor(slot, scene);
    if (!at) {
      this.hide(label);
      return;
    }
    const status = toStatus(scene.world.columns.status[slot]!);
    const look = statusLook(status);
    const tone = `${look.tone}${slot === scene.selected ? ' selected' : slot === scene.hovered ? ' hovered' : ''}`;
    if (label.slot !== slot || label.name.textContent !== entry.name) label.name.textContent = entry.name;
    if (label.tone !== tone || label.slot !== slot) {
      label.element.className = `city-label ${tone}`;
      label.glyph.textContent = needsAttention(status) ? look.glyph : '';
      label.tone = tone;
    }
    label.slot = slot;
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

/** Where a name stands, in CSS pixels; null behind the eye. */
function anchor(slot: number, { fleet, now, view, size }: LabelScene): { x: number; y: number } | null {
  const { x, z } = fleet.centreOf(slot);
  const lift = fleet.spin[slot * 4 + 3]! >= 2 ? ABOVE_BEACON : ABOVE_ROOF;
  const seen = project(view, size.width / size.height, { x, y: fleet.heightAt(slot, now) + lift, z });
  if (seen.depth < 2) return null;
  return { x: ((seen.x + 1) / 2) * size.width, y: ((1 - seen.y) / 2) * size.height };
}
