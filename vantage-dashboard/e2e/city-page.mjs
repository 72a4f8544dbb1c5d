/** What the tests ask of a page that shows the city. */

export const DESKTOP = { width: 920, height: 560 };
/** Software draws a sixth of the pixels six times as fast; coordinates stay CSS pixels. */
const SCALE = 0.4;
export const PHONE = { width: 390, height: 844 };

/** Leaves WebGL's drawing out: many thousand buildings take software minutes. */
const UNDRAWN = `for (const call of ['drawArrays', 'drawElements', 'drawArraysInstanced', 'drawElementsInstanced']) WebGL2RenderingContext.prototype[call] = () => undefined;`;

/** Opens the dashboard. `problems` collects whatever a page must not do: errors, warnings, what the CSP refused. */
export async function openCity(browser, mock, { viewport = DESKTOP, query = 'quality=low', scheme = 'no-preference', touch = false, rasterized = true } = {}) {
  const context = await browser.newContext({ viewport, reducedMotion: scheme, hasTouch: touch, deviceScaleFactor: SCALE });
  if (!rasterized) await context.addInitScript(UNDRAWN);
  const page = await context.newPage();
  page.setDefaultTimeout(60_000);
  const problems = [];
  page.on('console', (message) => {
    // React Three Fiber still uses the clock that three deprecated; nothing of ours can change that.
    if (['error', 'warning'].includes(message.type()) && !message.text().includes('THREE.Clock')) problems.push(message.text());
  });
  page.on('pageerror', (error) => problems.push(error.message));
  await page.goto(`${mock.url}?vantage=1&${query}`);
  return { page, problems, close: () => context.close() };
}

export async function firstFrame(page) {
  await page.waitForFunction(() => window.__vantage?.firstFrameAt != null && Object.keys(window.__vantage.services()).length > 0);
  // The plan comes before the numbers: only with these has the city its heights.
  await page.waitForFunction(() => Object.values(window.__vantage.services()).some(({ pods }) => pods > 0));
  // A software renderer may take seconds for the frame that makes its programs.
  await someFrames(page, 4, 4000);
  await settled(page);
}

/** A few frames, or the quiet of a city that has none to draw: what was just done has reached it then. */
const someFrames = (page, number, patienceMs) =>
  page.evaluate(
    async ([number, patienceMs]) => {
      const enough = window.__vantage.stats.frames + number, patience = performance.now() + patienceMs;
      while (window.__vantage.stats.frames < enough && performance.now() < patience) await new Promise(requestAnimationFrame);
    },
    [number, patienceMs],
  );

/** Where every service is on the screen, by id. */
export const places = (page) => page.evaluate(() => Object.fromEntries(Object.keys(window.__vantage.services()).map((id) => [id, window.__vantage.project(id)])));

/** Waits until the camera rests; returns where it left the services. */
export async function settled(page) {
  await someFrames(page, 2, 400);
  await page.waitForFunction(() => window.__vantage.isResting);
  return places(page);
}

export function distance(a, b) {
  return a && b ? Math.hypot(a.x - b.x, a.y - b.y) : a === b ? 0 : Infinity;
}

/** Mean move of all services between two readings. */
export function shift(before, after) {
  const ids = Object.keys(before).filter((id) => before[id] && after[id]);
  const mean = (of) => ids.reduce((sum, id) => sum + of(id), 0) / ids.length;
  return { x: mean((id) => after[id].x - before[id].x), y: mean((id) => after[id].y - before[id].y) };
}

/** How far apart the services lie: grows with zooming in. */
export function spread(at) {
  const points = Object.values(at).filter(Boolean);
  const x = points.reduce((sum, p) => sum + p.x, 0) / points.length, y = points.reduce((sum, p) => sum + p.y, 0) / points.length;
  return Math.sqrt(points.reduce((sum, p) => sum + (p.x - x) ** 2 + (p.y - y) ** 2, 0) / points.length);
}

/** Mean angle (radians) by which the lines between services turned. */
export function turned(before, after, signed = false) {
  const ids = Object.keys(before);
  let sum = 0;
  for (let i = 1; i < ids.length; i++) {
    const angle = (at) => Math.atan2(at[ids[i]].y - at[ids[0]].y, at[ids[i]].x - at[ids[0]].x);
    const by = angle(after) - angle(before);
    const short = Math.atan2(Math.sin(by), Math.cos(by));
    sum += signed ? short : Math.abs(short);
  }
  return sum / (ids.length - 1);
}

/** Height of the cloud of services by its width: larger from above. */
export function depthShare(at) {
  const span = (axis) => Math.max(...Object.values(at).map((p) => p[axis])) - Math.min(...Object.values(at).map((p) => p[axis]));
  return span('y') / span('x');
}

/** The service nearest to the viewer that no panel covers: nothing stands before it. */
export async function foremost(page) {
  return page.evaluate(() => {
    const seen = Object.keys(window.__vantage.services())
      .map((id) => ({ id, ...window.__vantage.project(id) }))
      .filter(({ x, y }) => document.elementFromPoint(x, y)?.tagName === 'CANVAS');
    return seen.sort((a, b) => b.y - a.y)[0];
  });
}

/** The city's pixels as text: equal pictures give equal text. */
export const picture = (page) => page.evaluate(() => document.querySelector('.city-canvas canvas').toDataURL());

export const frames = (page) => page.evaluate(() => window.__vantage.stats.frames);
