import { rate } from '../../ui/format';
import { eventLook, weightOf, type CityEvent } from '../../world/events';
import { statusLook, toStatus, needsAttention } from '../../world/status';
import type { World } from '../../world/world';
import { FOV, project, type View } from '../camera/rig';
import { LOT } from '../encoding';
import type { Fleet } from '../fleet';
import type { CallPaths } from '../paths';
import { cullLabels, labelBudget, labelPriority, type LabelBox, type Overlay } from './cull';
import './labels.css';

/** Service names over their roofs: a pool of DOM elements, moved by hand so that React is not asked 60 times a second. */

const HEIGHT_PX = 19;
const CHARACTER_PX = 6.9;
const PADDING_PX = 14;
const GLYPH_PX = 14;
/** Who is shown and what is said is decided this often, more often while the camera moves; where it stands, every frame. */
const CULL_EVERY_MS = 500;
const CULL_MOVING_MS = 160;
const ABOVE_ROOF = 0.85;
const ABOVE_BEACON = 2.7;
/** A lot this wide bears its load in figures, too. */
const FIGURES_FROM_PX = 40;
/** What happened stays over the roof for this long. */
const NEWS_MS = 7000;
/** A name longer than this is cut; the panel has all of it. */
const LONGEST = 34;

interface Label {
  element: HTMLElement;
  parts: Record<Part, HTMLElement>;
  /** What it shows: the DOM is only told what is new. */
  shows: Saying;
  at: string;
}

const PARTS = ['glyph', 'name', 'figure', 'news'] as const;
type Part = (typeof PARTS)[number];

/** What a label says, and the classes it says it in. */
type Saying = Record<Part | 'tone', string>;

/** A name that asks to be shown. What it says, and how wide that is, is worked out for those that may. */
class Candidate implements LabelBox {
  readonly x: number;
  readonly y: number;
  readonly height = HEIGHT_PX;
  private said: Saying | null = null;

  constructor(readonly slot: number, at: { x: number; y: number }, readonly priority: number, private readonly say: () => Saying) {
    this.x = at.x;
    this.y = at.y;
  }

  get saying(): Saying {
    return (this.said ??= this.say());
  }

  get width(): number {
    const { glyph, name, figure, news } = this.saying;
    const characters = [name, figure, news].filter(Boolean).join(' ').length;
    return characters * CHARACTER_PX + PADDING_PX + glyph.length * GLYPH_PX;
  }
}

const SILENT: Saying = { glyph: '', name: '', figure: '', news: '', tone: 'hidden' };

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
  /** Of the selected service. */
  paths: CallPaths | null;
  /** What has just happened. */
  news: readonly CityEvent[];
}

export class LabelLayer {
  private readonly pool: Label[] = [];
  private shown: readonly Candidate[] = [];
  private culledAt = -Infinity;
  /** The selected and the hovered one, as they were then. */
  private looked = '';
  /** Where the camera was. */
  private camera = '';
  private timer: number | null = null;
  /** What happened lately, by slot. */
  private readonly news = new Map<number, { event: CityEvent; until: number }>();

  constructor(
    private readonly host: HTMLElement,
    private readonly overlays: () => readonly Overlay[],
    /** Asks for a frame: what is shown is to be decided anew. */
    private readonly wake: () => void,
  ) {}

  /** Returns whether something goes away by itself: then frames are needed that nothing else asks for. */
  update(scene: LabelScene): boolean {
    const wall = performance.now();
    this.takeNews(scene, wall);
    const looked = `${scene.selected}/${scene.hovered}`;
    const { eye, back } = scene.view;
    const camera = `${eye.x}/${eye.y}/${eye.z}/${back.x}/${back.y}`;
    const due = this.culledAt + (camera === this.camera ? CULL_EVERY_MS : CULL_MOVING_MS);
    const isDue = wall >= due || looked !== this.looked;
    if (isDue) {
      this.culledAt = wall;
      this.looked = looked;
      this.camera = camera;
      this.shown = this.choose(scene);
    }
    this.shown.forEach(({ slot, saying }, i) => place(this.label(i), scene.world.services.has(slot) ? anchor(slot, scene) : null, saying));
    for (let i = this.shown.length; i < this.pool.length; i++) tell(this.pool[i]!, SILENT);
    if (!isDue) this.timer ??= window.setTimeout(() => {
      this.timer = null;
      this.wake();
    }, due - wall);
    return this.news.size > 0;
  }

  dispose(): void {
    if (this.timer !== null) window.clearTimeout(this.timer);
    this.host.replaceChildren();
    this.pool.length = 0;
  }

  /** The weightiest of what happened to a service stands. */
  private takeNews({ world, news }: LabelScene, wall: number): void {
    for (const event of news) {
      const slot = event.serviceId === null ? undefined : world.slotOf(event.serviceId);
      if (slot === undefined) continue;
      const standing = this.news.get(slot);
      if (!standing || weightOf(event.kind) <= weightOf(standing.event.kind)) this.news.set(slot, { event, until: wall + NEWS_MS });
      this.culledAt = -Infinity;
    }
    for (const [slot, { until }] of this.news) if (until < wall) this.news.delete(slot);
  }

  private choose(scene: LabelScene): Candidate[] {
    const { world, fleet, size, selected, hovered, paths } = scene;
    const candidates: Candidate[] = [];
    const before = new Set(this.shown.map(({ slot }) => slot));
    for (const [slot, entry] of world.services) {
      const at = anchor(slot, scene);
      if (!at || fleet.dim[slot] === 1 || at.x < 0 || at.x > size.width || at.y < 0 || at.y > size.height) continue;
      const priority = labelPriority({
        selected: slot === selected,
        hovered: slot === hovered,
        hops: paths?.upstream.get(slot) ?? paths?.downstream.get(slot),
        news: this.news.has(slot),
        status: world.columns.status[slot]!,
        load: fleet.load[slot * 4 + 1]!,
        shown: before.has(slot),
      });
      candidates.push(new Candidate(slot, at, priority, () => this.saying(slot, entry.name, scene)));
    }
    // Panels are measured on the page, names in the canvas.
    const { left, top } = this.host.getBoundingClientRect();
    const overlays = this.overlays().map((box) => ({ left: box.left - left, top: box.top - top, right: box.right - left, bottom: box.bottom - top }));
    return cullLabels(candidates, labelBudget(lotPx(scene)), size, overlays);
  }

  private saying(slot: number, name: string, scene: LabelScene): Saying {
    const { world, paths, selected, hovered } = scene;
    const status = toStatus(world.columns.status[slot]!);
    const look = statusLook(status);
    const event = this.news.get(slot)?.event;
    const isUp = paths?.upstream.has(slot) ?? false, isDown = paths?.downstream.has(slot) ?? false;
    const way = isUp && isDown ? '↕' : isUp ? '↑' : isDown ? '↓' : '';
    const looked = slot === selected ? ' selected' : slot === hovered ? ' hovered' : '';
    return {
      name: name.length > LONGEST ? `${name.slice(0, LONGEST - 1)}…` : name,
      glyph: `${way}${needsAttention(status) ? look.glyph : ''}`,
      figure: looked || lotPx(scene) >= FIGURES_FROM_PX ? `${rate(world.columns.rps[slot])}/s` : '',
      news: event ? `${eventLook(event.kind).glyph} ${eventLook(event.kind).word}` : '',
      tone: `${look.tone}${looked}${event ? ` news-${eventLook(event.kind).tone}` : ''}`,
    };
  }

  private label(i: number): Label {
    const existing = this.pool[i];
    if (existing) return existing;
    const element = document.createElement('div');
    const part = (name: Part) => {
      const span = document.createElement('span');
      span.className = name;
      element.append(span);
      return span;
    };
    const label: Label = { element, parts: { glyph: part('glyph'), name: part('name'), figure: part('figure'), news: part('news') }, shows: { ...SILENT, tone: '' }, at: '' };
    this.host.append(element);
    this.pool.push(label);
    return label;
  }
}

function place(label: Label, at: { x: number; y: number } | null, saying: Saying): void {
  tell(label, at ? saying : SILENT);
  if (!at) return;
  const to = `translate(${at.x.toFixed(1)}px,${at.y.toFixed(1)}px) translate(-50%,-100%)`;
  if (to === label.at) return;
  label.at = to;
  label.element.style.transform = to;
}

function tell(label: Label, saying: Saying): void {
  const { shows } = label;
  if (shows === saying) return;
  for (const part of PARTS) if (shows[part] !== saying[part]) label.parts[part].textContent = saying[part];
  if (shows.tone !== saying.tone) label.element.className = `city-label ${saying.tone}`;
  label.shows = saying;
}

/** How wide a lot is, in the middle of the picture. */
function lotPx({ size, distance }: LabelScene): number {
  return (LOT * size.height) / (2 * Math.tan(FOV / 2) * distance);
}

/** Where a name stands, in CSS pixels; null behind the eye. */
function anchor(slot: number, { fleet, now, view, size }: LabelScene): { x: number; y: number } | null {
  const { x, z } = fleet.centreOf(slot);
  const lift = fleet.spin[slot * 4 + 3]! >= 2 ? ABOVE_BEACON : ABOVE_ROOF;
  const seen = project(view, size.width / size.height, { x, y: fleet.heightAt(slot, now) + lift, z });
  if (seen.depth < 2) return null;
  return { x: ((seen.x + 1) / 2) * size.width, y: ((1 - seen.y) / 2) * size.height };
}
