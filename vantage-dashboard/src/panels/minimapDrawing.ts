import { mapScale, type MapPicture, type MapScale } from '../city/mapView';
import { Status } from '../world/model';

/** Colours of the theme, by what they say. */
export interface MapInk {
  ground: string;
  line: string;
  sight: string;
  selected: string;
  /** By status code. */
  statuses: readonly string[];
}

const MARGIN_PX = 5;
const SMALLEST_PX = 1.6;
/** What is wrong is drawn larger than it stands, and last. */
const WRONG_PX = 3.2;
/** Unless there are so many that they would cover the city. */
const CROWD = 1500;
const WRONG_IN_CROWD_PX = 1.3;
const STEPPED_BACK = 0.25;

type Pen = Pick<CanvasRenderingContext2D, 'beginPath' | 'moveTo' | 'lineTo' | 'closePath' | 'fill' | 'stroke' | 'fillRect' | 'strokeRect' | 'clearRect' | 'fillStyle' | 'strokeStyle' | 'lineWidth' | 'globalAlpha'>;

/** Draws the map; returns its scale, by which a pointer finds the ground. */
export function drawMap(pen: Pen, width: number, height: number, picture: MapPicture, ink: MapInk): MapScale {
  const scale = mapScale(picture.bounds, width, height, MARGIN_PX);
  pen.globalAlpha = 1;
  pen.clearRect(0, 0, width, height);
  drawDistricts(pen, picture, scale, ink);
  const wrong: number[] = [];
  for (let slot = 0; slot < picture.count; slot++) {
    if (picture.lots[slot * 4 + 2] === 0) continue;
    const status = picture.statusOf(slot);
    if (status === Status.DEGRADED || status === Status.UNHEALTHY) wrong.push(slot);
    else drawHouse(pen, picture, slot, scale, ink);
  }
  for (const slot of wrong) drawSign(pen, picture, slot, scale, ink);
  drawSight(pen, picture, scale, ink);
  if (picture.selected >= 0) drawSelected(pen, picture, scale, ink);
  return scale;
}

function drawDistricts(pen: Pen, { districts }: MapPicture, { toMap, scale }: MapScale, { ground, line }: MapInk): void {
  pen.fillStyle = ground;
  pen.strokeStyle = line;
  pen.lineWidth = 1;
  for (const { minX, maxX, minZ, maxZ } of districts) {
    const { x, y } = toMap({ x: maxX, z: maxZ });
    pen.fillRect(x, y, (maxX - minX) * scale, (maxZ - minZ) * scale);
    pen.strokeRect(x, y, (maxX - minX) * scale, (maxZ - minZ) * scale);
  }
}

function place({ lots }: MapPicture, slot: number, { toMap }: MapScale): { x: number; y: number } {
  return toMap({ x: lots[slot * 4]!, z: lots[slot * 4 + 1]! });
}

function drawHouse(pen: Pen, picture: MapPicture, slot: number, scale: MapScale, { statuses }: MapInk): void {
  const { x, y } = place(picture, slot, scale);
  const side = Math.max(SMALLEST_PX, picture.lots[slot * 4 + 2]! * scale.scale);
  pen.globalAlpha = picture.dim[slot]! > 0 ? STEPPED_BACK : 0.85;
  pen.fillStyle = statuses[picture.statusOf(slot)] ?? statuses[Status.UNKNOWN]!;
  pen.fillRect(x - side / 2, y - side / 2, side, side);
}

/** The shapes of the signs over the roofs: a triangle for degraded, a diamond for unhealthy. */
function drawSign(pen: Pen, picture: MapPicture, slot: number, scale: MapScale, { statuses }: MapInk): void {
  const { x, y } = place(picture, slot, scale);
  const status = picture.statusOf(slot);
  const reach = Math.max(picture.count > CROWD ? WRONG_IN_CROWD_PX : WRONG_PX, picture.lots[slot * 4 + 2]! * scale.scale * 0.75);
  pen.globalAlpha = picture.dim[slot]! === 1 ? STEPPED_BACK : 1;
  pen.fillStyle = statuses[status]!;
  pen.beginPath();
  pen.moveTo(x, y - reach);
  pen.lineTo(x + reach, status === Status.UNHEALTHY ? y : y + reach * 0.8);
  if (status === Status.UNHEALTHY) pen.lineTo(x, y + reach);
  pen.lineTo(x - reach, status === Status.UNHEALTHY ? y : y + reach * 0.8);
  pen.closePath();
  pen.fill();
}

function drawSight(pen: Pen, { sight }: MapPicture, { toMap }: MapScale, ink: MapInk): void {
  pen.strokeStyle = ink.sight;
  pen.fillStyle = ink.sight;
  pen.lineWidth = 1.25;
  pen.beginPath();
  sight.map(toMap).forEach(({ x, y }, i) => (i === 0 ? pen.moveTo(x, y) : pen.lineTo(x, y)));
  pen.closePath();
  pen.globalAlpha = 0.1;
  pen.fill();
  pen.globalAlpha = 0.9;
  pen.stroke();
}

function drawSelected(pen: Pen, picture: MapPicture, scale: MapScale, { selected }: MapInk): void {
  const { x, y } = place(picture, picture.selected, scale);
  const reach = Math.max(5, picture.lots[picture.selected * 4 + 2]! * scale.scale);
  pen.globalAlpha = 1;
  pen.strokeStyle = selected;
  pen.lineWidth = 1.5;
  pen.strokeRect(x - reach, y - reach, reach * 2, reach * 2);
}
