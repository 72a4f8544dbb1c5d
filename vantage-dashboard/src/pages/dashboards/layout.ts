import type { Api } from '../../api/types';

/** Panels on a grid of 12 columns that pull upwards, as the editing grid has it. Pure. */

export type Position = Api<'Position'>;
export interface Placed {
  id: string;
  position: Position;
}

export const COLUMNS = 12;
export const ROW_PX = 40;
export const GAP_PX = 12;
const MOST_ROWS = 100;
const LEAST = { w: 2, h: 2 };

export type Step = 'left' | 'right' | 'up' | 'down';

/** Height of a panel of so many rows. */
export const heightPx = (rows: number): number => rows * ROW_PX + (rows - 1) * GAP_PX;

/** From the top left, line by line: how panels are read, and stacked on a phone. */
export function inReadingOrder<P extends Placed>(panels: readonly P[]): P[] {
  return [...panels].sort((a, b) => a.position.y - b.position.y || a.position.x - b.position.x);
}

/** Every panel as far up as the panels before it let it; in reading order. */
export function compacted<P extends Placed>(panels: readonly P[]): P[] {
  return settled(inReadingOrder(panels));
}

function settled<P extends Placed>(ordered: readonly P[]): P[] {
  const done: P[] = [];
  for (const panel of ordered) {
    let position = panel.position;
    while (position.y > 0 && isFree({ ...position, y: position.y - 1 }, done)) position = { ...position, y: position.y - 1 };
    while (!isFree(position, done)) position = { ...position, y: position.y + 1 };
    done.push({ ...panel, position });
  }
  return inReadingOrder(done);
}

/** One step to the side, or past the next panel upwards or downwards; the same panels when there is no such step. */
export function moved<P extends Placed>(panels: readonly P[], id: string, step: Step): readonly P[] {
  const { position } = find(panels, id);
  if (step === 'left' || step === 'right') {
    const x = position.x + (step === 'left' ? -1 : 1);
    return x < 0 || x + position.w > COLUMNS ? panels : placed(panels, id, { ...position, x });
  }
  const by = step === 'up' ? -1 : 1;
  const bottom = Math.max(...panels.map((panel) => panel.position.y + panel.position.h));
  // What only pulls back to where it was is no step.
  for (let y = position.y + by; y >= 0 && y <= bottom; y += by) {
    const after = placed(panels, id, { ...position, y });
    const now = find(after, id).position.y;
    if (step === 'up' ? now < position.y : now > position.y) return after;
  }
  return panels;
}

/** One cell wider or narrower, lower or higher; the same panels when that is too much or too little. */
export function resized<P extends Placed>(panels: readonly P[], id: string, step: Step): readonly P[] {
  const { position } = find(panels, id);
  const w = position.w + (step === 'right' ? 1 : step === 'left' ? -1 : 0);
  const h = position.h + (step === 'down' ? 1 : step === 'up' ? -1 : 0);
  const isSmaller = w < position.w || h < position.h;
  if ((isSmaller && (w < LEAST.w || h < LEAST.h)) || position.x + w > COLUMNS || h > MOST_ROWS) return panels;
  return placed(panels, id, { ...position, w, h });
}

/** A panel at a place of its choice: what is there makes room below it. */
function placed<P extends Placed>(panels: readonly P[], id: string, position: Position): P[] {
  const before = find(panels, id).position;
  const others = inReadingOrder(panels.filter((panel) => panel.id !== id));
  const one = { ...find(panels, id), position };
  const isUpwards = position.y <= before.y;
  // Going down it passes those that begin above its new end; going up it passes those that begin where it will be.
  const first = others.filter((panel) => (isUpwards ? panel.position.y < position.y : panel.position.y <= position.y && panel.position.y + panel.position.h <= position.y + position.h));
  const rest = others.filter((panel) => !first.includes(panel));
  return settled([...first, one, ...rest]);
}

/** Where a new panel goes: below all others. */
export function below(panels: readonly Placed[], size = { w: 6, h: 6 }): Position {
  return { x: 0, y: Math.max(0, ...panels.map(({ position }) => position.y + position.h)), ...size };
}

export function placeWords({ x, y, w, h }: Position): string {
  return `column ${x + 1}, row ${y + 1}, ${w} wide, ${h} high`;
}

export const overlaps = (a: Position, b: Position): boolean => a.x < b.x + b.w && b.x < a.x + a.w && a.y < b.y + b.h && b.y < a.y + a.h;
const isFree = (position: Position, panels: readonly Placed[]): boolean => !panels.some((panel) => overlaps(panel.position, position));
const find = <P extends Placed>(panels: readonly P[], id: string): P => panels.find((panel) => panel.id === id)!;
