/** Which labels may be shown: the most important first, none over another, none under a panel. Pure. */

export interface LabelBox {
  /** Centre of the bottom edge, in CSS pixels. */
  readonly x: number;
  readonly y: number;
  /** Asked for only until the limit is reached. */
  readonly width: number;
  readonly height: number;
  /** Higher wins. */
  readonly priority: number;
}

/** What lies over the picture, in CSS pixels of it. */
export interface Overlay {
  left: number;
  top: number;
  right: number;
  bottom: number;
}

const GAP_PX = 4;

/** The boxes to show, most important first; of equals the earlier one. */
export function cullLabels<T extends LabelBox>(boxes: readonly T[], limit: number, viewport: { width: number; height: number }, overlays: readonly Overlay[] = []): T[] {
  const shown: T[] = [];
  for (const box of [...boxes].sort((a, b) => b.priority - a.priority)) {
    if (shown.length >= limit) break;
    // Whoever stands under a panel or a name has no room, however short its own is: most of a crowd need not be measured.
    if (isCovered(box, overlays) || shown.some((other) => standsUnder(box, other))) continue;
    if (outside(box, viewport) || overlays.some((overlay) => covered(box, overlay))) continue;
    if (shown.every((other) => !overlap(box, other))) shown.push(box);
  }
  return shown;
}

/** From here on there is room for every name. */
const ROOMY_PX = 46;
const CROWDED_PX = 12;
const FEWEST = 9;
const MOST = 150;

/** How many names a picture bears in which a lot is this wide: from afar only the first of them. */
export function labelBudget(lotPx: number): number {
  const room = Math.min(1, Math.max(0, (lotPx - CROWDED_PX) / (ROOMY_PX - CROWDED_PX)));
  return Math.round(FEWEST * (MOST / FEWEST) ** room);
}

export interface LabelClaim {
  selected: boolean;
  hovered: boolean;
  /** On the way to the selected service, or on from it: this many calls away. */
  hops?: number | undefined;
  /** Something has just happened to it. */
  news?: boolean;
  /** Status code of the service. */
  status: number;
  /** 0–1. */
  load: number;
  /** Shown until now: a small advantage, so that equals do not take turns. */
  shown: boolean;
}

/** The one looked at, then its callers and callees, then news, the unwell, the busiest. */
export function labelPriority({ selected, hovered, hops, news = false, status, load, shown }: LabelClaim): number {
  const path = hops === undefined ? 0 : 1000 + 400 / hops;
  return (selected ? 8000 : 0) + (hovered ? 4000 : 0) + path + (news ? 950 : 0) + (status >= 2 ? status * 300 : 0) + 100 * load + (shown ? 6 : 0);
}

/** Whether a point of the page lies under one of them. */
export function isCovered({ x, y }: { x: number; y: number }, overlays: readonly Overlay[]): boolean {
  return overlays.some(({ left, top, right, bottom }) => x >= left && x <= right && y >= top && y <= bottom);
}

/** A name half out of the picture is no name. */
function outside(box: LabelBox, viewport: { width: number; height: number }): boolean {
  return box.x - box.width / 2 < 0 || box.x + box.width / 2 > viewport.width || box.y - box.height < 0 || box.y > viewport.height;
}

function covered(box: LabelBox, { left, top, right, bottom }: Overlay): boolean {
  return box.x + box.width / 2 > left - GAP_PX && box.x - box.width / 2 < right + GAP_PX && box.y > top - GAP_PX && box.y - box.height < bottom + GAP_PX;
}

function standsUnder({ x, y }: LabelBox, name: LabelBox): boolean {
  return Math.abs(x - name.x) * 2 < name.width && y <= name.y && y > name.y - name.height;
}

function overlap(a: LabelBox, b: LabelBox): boolean {
  return Math.abs(a.x - b.x) * 2 < a.width + b.width + GAP_PX * 2 && a.y - a.height < b.y + GAP_PX && b.y - b.height < a.y + GAP_PX;
}
