/** What the tests ask of a page that shows the city. */

export const DESKTOP = { width: 920, height: 560 };
/** Software draws a sixth of the pixels six times as fast; coordinates stay CSS pixels. */
const SCALE = 0.4;
export const PHONE = { width: 390, height: 844 };

/** Opens the dashboard. `problems` collects whatever a page must not do: errors, warnings, what the CSP refused. */
export async function openCity(browser, mock, { viewport = DESKTOP, query = 'quality=low', scheme = 'no-preference', touch = false } = {}) {
  const context = await browser.newContext({ viewport, reducedMotion: scheme, hasTouch: touch, deviceScaleFactor: SCALE });
  const page = await context.newPage();
  page.setDefaultTimeout(15_000);
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
  await settled(page);
}

/** Where every service is on the screen, by id. */
export const places = (page) => page.evaluate(() => Object.fromEntries(Object.keys(window.__vantage.services()).map((id) => [id, window.__vantage.project(id)])));

/** Waits until the camera rests; returns where it left the services. */
export async function settled(page) {
  let before = null;
  for (let round = 0; round < 60; round++) {
    await someFrames(page);
    const now = await places(page);
    if (before && Object.keys(now).every((id) => distance(now[id], before[id]) < 0.3)) return now;
    before = now;
  }
  throw new Error('the camera does not come to rest');
}

/** A few frames, or the quiet of a city that has none to draw. */
const someFrames = (page) =>
  page.evaluate(async () => {
    const enough = window.__vantage.stats.frames + 2, patience = performance.now() + 600;
    while (window.__vantage.stats.frames < enough && performance.now() < patience) await new Promise(requestAnimationFrame);
  });

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
