import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { startMock } from '../dev/mock-server.mjs';
import { launch } from './browser.mjs';
import { depthShare, distance, firstFrame, foremost, frames, openCity, PHONE, settled, shift, spread, turned } from './city-page.mjs';

let mock, browser;

before(async () => {
  [mock, browser] = await Promise.all([startMock({ services: 24, dist: process.env.DIST }), launch()]);
  mock.control.steady = true;
});
after(async () => {
  await browser.close();
  await mock.close();
});

describe('the camera, with mouse and keys', () => {
  let city, page, home;
  before(async () => {
    city = await openCity(browser, mock);
    page = city.page;
    await firstFrame(page);
    // Traffic keeps a software renderer busy; the camera does not need it.
    mock.control.still = true;
    home = await settled(page);
  });
  after(async () => {
    mock.control.still = false;
    assert.deepEqual(city.problems, []);
    await city.close();
  });

  const hold = async (key, ms = 250) => {
    await page.keyboard.down(key);
    await page.waitForTimeout(ms);
    // A busy machine may have drawn none yet: a held key moves with the frames.
    const drawn = await frames(page);
    await page.waitForFunction((n) => window.__vantage.stats.frames > n + 3, drawn);
    await page.keyboard.up(key);
    return settled(page);
  };
  const goHome = async () => {
    await page.keyboard.press('Home');
    return settled(page);
  };
  /** A place where nothing but the city is. */
  const middle = { x: 420, y: 330 };

  for (const [key, axis, sign] of [['d', 'x', -1], ['a', 'x', 1], ['w', 'y', 1], ['s', 'y', -1], ['ArrowRight', 'x', -1], ['ArrowUp', 'y', 1]]) {
    it(`${key} pans`, async () => {
      const start = await settled(page);
      const moved = shift(start, await hold(key));
      assert.ok(moved[axis] * sign > 15, JSON.stringify(moved));
    });
  }

  it('Home brings the whole city back', async () => {
    await hold('d');
    const back = await goHome();
    for (const id of Object.keys(home)) assert.ok(distance(back[id], home[id]) < 2, id);
  });

  it('a drag takes the ground along', async () => {
    const start = await goHome();
    await page.mouse.move(middle.x, middle.y);
    await page.mouse.down();
    await page.mouse.move(middle.x + 120, middle.y + 40, { steps: 6 });
    await page.mouse.up();
    const moved = shift(start, await settled(page));
    assert.ok(moved.x > 60 && moved.y > 10, JSON.stringify(moved));
  });

  it('a drag with the right button turns', async () => {
    const start = await goHome();
    await page.mouse.move(middle.x, middle.y);
    await page.mouse.down({ button: 'right' });
    await page.mouse.move(middle.x + 160, middle.y, { steps: 6 });
    await page.mouse.up({ button: 'right' });
    assert.ok(turned(start, await settled(page)) > 0.2);
  });

  it('a drag with Ctrl turns, too, and leaves the ground where it is', async () => {
    const start = await goHome();
    await page.keyboard.down('Control');
    await page.mouse.move(middle.x, middle.y);
    await page.mouse.down();
    await page.mouse.move(middle.x + 160, middle.y, { steps: 6 });
    await page.mouse.up();
    await page.keyboard.up('Control');
    assert.ok(turned(start, await settled(page)) > 0.2);
  });

  for (const [key, sign] of [['q', 1], ['e', -1]]) {
    it(`${key} turns`, async () => {
      const start = await settled(page);
      const angle = turned(start, await hold(key, 350), true);
      assert.ok(Math.abs(angle) > 0.05, String(angle));
      assert.equal(Math.sign(angle), sign);
    });
  }

  it('the wheel zooms to the cursor', async () => {
    const start = await goHome();
    const { id, x, y } = await foremost(page);
    await page.mouse.move(x, y);
    for (let i = 0; i < 4; i++) await page.mouse.wheel(0, -120);
    const near = await settled(page);
    assert.ok(spread(near) > spread(start) * 1.5);
    assert.ok(distance(near[id], { x, y }) < 70, JSON.stringify(near[id]));
    for (let i = 0; i < 8; i++) await page.mouse.wheel(0, 120);
    assert.ok(spread(await settled(page)) < spread(start));
  });

  it('T looks from above and back', async () => {
    const start = await goHome();
    await page.keyboard.press('t');
    const above = await settled(page);
    assert.ok(depthShare(above) > depthShare(start) * 1.2);
    await page.keyboard.press('t');
    const back = await settled(page);
    for (const id of Object.keys(start)) assert.ok(distance(back[id], start[id]) < 3, id);
  });

  it('hovering shows a card, a click selects, F flies there, Escape closes', async () => {
    await goHome();
    const { id, x, y } = await foremost(page);
    await page.mouse.move(x, y);
    await page.locator('.hover-card').waitFor();
    assert.equal(await page.locator('.hover-card strong').textContent(), id.split('/')[1]);
    await page.mouse.click(x, y);
    await page.locator(`[data-testid=service-panel][data-service="${id}"]`).waitFor();
    const start = await settled(page);
    await page.keyboard.press('f');
    const near = await settled(page);
    assert.ok(spread(near) > spread(start) * 1.1, `${spread(near) / spread(start)}`);
    assert.ok(near[id].x > 150 && near[id].x < 540, 'in what the panel leaves free');
    await page.keyboard.press('Escape');
    await page.getByTestId('service-panel').waitFor({ state: 'detached' });
  });

  it('/ searches, Enter flies to the first match', async () => {
    await goHome();
    await page.keyboard.press('/');
    const name = mock.fleet.services[7].name;
    await page.keyboard.type(name);
    await page.locator('.search-results [aria-selected=true]').waitFor();
    await page.keyboard.press('Enter');
    await page.locator(`[data-testid=service-panel][data-service="production/${name}"]`).waitFor();
    const near = await settled(page);
    const { x } = near[`production/${name}`];
    assert.ok(spread(near) > spread(home) * 1.1 && x > 150 && x < 540, `${spread(near) / spread(home)} ${x}`);
    await page.keyboard.press('Escape');
  });
});

describe('the camera, with fingers', () => {
  let city, page, touch;
  before(async () => {
    city = await openCity(browser, mock, { viewport: PHONE, touch: true });
    page = city.page;
    await firstFrame(page);
    mock.control.still = true;
    await settled(page);
    const session = await page.context().newCDPSession(page);
    touch = (type, ...points) => session.send('Input.dispatchTouchEvent', { type, touchPoints: points.map(([x, y], id) => ({ x, y, id })) });
  });
  after(async () => {
    mock.control.still = false;
    assert.deepEqual(city.problems, []);
    await city.close();
  });

  it('the Black Box is folded away', async () => {
    assert.equal(await page.getByTestId('blackbox').getAttribute('data-open'), 'false');
  });

  it('one finger pans', async () => {
    const start = await settled(page);
    await touch('touchStart', [200, 420]);
    for (let i = 1; i <= 6; i++) await touch('touchMove', [200 - i * 15, 420]);
    await touch('touchEnd');
    const moved = shift(start, await settled(page));
    assert.ok(moved.x < -40, JSON.stringify(moved));
  });

  it('two fingers zoom', async () => {
    const start = await settled(page);
    await touch('touchStart', [180, 430], [220, 430]);
    for (let i = 1; i <= 6; i++) await touch('touchMove', [180 - i * 8, 430], [220 + i * 8, 430]);
    await touch('touchEnd');
    const near = await settled(page);
    assert.ok(spread(near) > spread(start) * 1.5, `${spread(start)} ${spread(near)}`);
  });

  it('two fingers twist', async () => {
    const start = await settled(page);
    const around = (angle) => [0, Math.PI].map((side) => [200 + 60 * Math.cos(angle + side), 430 + 60 * Math.sin(angle + side)]);
    await touch('touchStart', ...around(0));
    for (let i = 1; i <= 8; i++) await touch('touchMove', ...around(i * 0.08));
    await touch('touchEnd');
    assert.ok(turned(start, await settled(page)) > 0.25);
  });

  it('a tap selects', async () => {
    await page.keyboard.press('Home');
    await settled(page);
    const { id, x, y } = await foremost(page);
    await touch('touchStart', [x, y]);
    await touch('touchEnd');
    await page.locator(`[data-testid=service-panel][data-service="${id}"]`).waitFor();
  });
});
