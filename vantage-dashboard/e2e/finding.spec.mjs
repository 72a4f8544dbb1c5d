import assert from 'node:assert/strict';
import { after, afterEach, before, beforeEach, describe, it } from 'node:test';
import { startMock } from '../dev/mock-server.mjs';
import { launch } from './browser.mjs';
import { distance, firstFrame, frames, openCity, PHONE, places, settled, shift, spread } from './city-page.mjs';

/** Ways to find and keep one's way: places, following, the map, filters, paths. */

let mock, browser, city, page;

before(async () => {
  [mock, browser] = await Promise.all([startMock({ services: 24, dist: process.env.DIST }), launch()]);
  mock.control.steady = true;
});
after(async () => {
  await browser.close();
  await mock.close();
});
beforeEach(() => {
  mock.control.still = false;
});
afterEach(async () => {
  assert.deepEqual(city.problems, []);
  await city.close();
});

const WIDE = { width: 1280, height: 800 };

const open = async (options = {}) => {
  city = await openCity(browser, mock, { viewport: WIDE, ...options });
  page = city.page;
  await firstFrame(page);
  // Traffic keeps a software renderer busy; what is tried here does not need it.
  mock.control.still = true;
  return settled(page);
};
/** Anew, with the same numbers as before. */
const reload = async () => {
  mock.control.still = false;
  await page.reload();
  await firstFrame(page);
  await page.waitForFunction(() => Object.values(window.__vantage.services()).some(({ pods }) => pods > 0));
  mock.control.still = true;
};
const tool = (name) => page.getByRole('button', { name });
/** What is far outside the picture moves by many pixels for a hair's breadth of the camera. */
const isSeen = (at) => at && Math.abs(at.x) < 1000 && Math.abs(at.y) < 1000;
const near = (a, b, pixels = 3) => Object.keys(a).every((id) => !isSeen(a[id]) || distance(a[id], b[id]) < pixels);
const zoomIn = async () => {
  await page.mouse.move(640, 380);
  for (let i = 0; i < 4; i++) await page.mouse.wheel(0, -120);
  return settled(page);
};

describe('places', () => {
  it('Shift and a digit keeps one, the digit flies there, also after a reload', async () => {
    const home = await open();
    const kept = await zoomIn();
    await page.keyboard.press('Shift+Digit3');
    await page.keyboard.press('Home');
    assert.ok(near(await settled(page), home));
    await page.keyboard.press('3');
    assert.ok(near(await settled(page), kept));
    await reload();
    await page.keyboard.press('3');
    assert.ok(near(await settled(page), kept));
    await page.keyboard.press('4');
    assert.ok(near(await settled(page), kept), 'a free digit leads nowhere');
  });

  it('a view from above is one again', async () => {
    await open();
    await page.keyboard.press('t');
    const above = await settled(page);
    await page.keyboard.press('Shift+Digit1');
    await page.keyboard.press('t');
    await settled(page);
    await page.keyboard.press('1');
    assert.ok(near(await settled(page), above));
    assert.equal(await tool('View from above').getAttribute('aria-pressed'), 'true');
  });

  it('are kept, flown to and forgotten by finger', async () => {
    const home = await open({ viewport: PHONE, touch: true });
    await tool('Places').tap();
    await tool('Keep this view as 1').tap();
    await page.locator('.bookmark').waitFor();
    await tool('View from above').tap();
    assert.ok(!near(await settled(page), home));
    await page.locator('.bookmark').tap();
    assert.ok(near(await settled(page), home));
    await page.getByRole('button', { name: /Forget place 1/ }).tap();
    await page.getByText('No place is kept yet.').waitFor();
  });
});

describe('following', () => {
  const away = async (id) => {
    const { x, y } = (await places(page))[id];
    return Math.hypot(x - 640, y - 400);
  };

  it('goes along to what is selected next, turns around it, and ends when a person moves away', async () => {
    await open();
    const [first, second] = [mock.fleet.services[2].id, mock.fleet.services[20].id];
    await page.keyboard.press('Shift+F');
    const follow = tool('Follow the selected service');
    const pressed = (value) => page.waitForFunction((wanted) => document.querySelector('[aria-label^="Follow"]').getAttribute('aria-pressed') === wanted, value);
    await pressed('true');
    for (const id of [first, second]) {
      await page.keyboard.press('/');
      await page.keyboard.type(id.split('/')[1]);
      await page.keyboard.press('Enter');
      await page.locator(`[data-testid=service-panel][data-service="${id}"]`).waitFor();
      await settled(page);
      assert.ok((await away(id)) < 330, `${id} is ${await away(id)} px from the middle`);
    }
    await page.keyboard.down('q');
    const before = await frames(page);
    await page.waitForFunction((n) => window.__vantage.stats.frames > n + 5, before);
    await page.keyboard.up('q');
    await settled(page);
    assert.ok((await away(second)) < 330);
    await page.mouse.move(500, 250);
    await page.mouse.down();
    await page.mouse.move(620, 330, { steps: 5 });
    await page.mouse.up();
    await pressed('false');
    assert.equal(await follow.getAttribute('aria-pressed'), 'false');
  });
});

describe('the edge of the screen', () => {
  const moved = async (x, y) => {
    await page.keyboard.press('Home');
    await page.mouse.move(640, 330);
    const start = await settled(page);
    await page.mouse.move(x, y);
    await page.waitForTimeout(900);
    await page.mouse.move(640, 330);
    return shift(start, await settled(page));
  };
  const { width } = WIDE;

  it('moves the camera, but not over a panel, not outside, and not when it is switched off', async () => {
    await open();
    assert.ok((await moved(width - 4, 300)).x < -10, 'the right edge moves');
    assert.ok(Math.abs((await moved(300, 6)).y) < 2, 'the bar lies over the upper edge');
    assert.ok(Math.abs((await moved(30, 300)).x) < 2, 'beside the city is the navigation');
    await tool('Move at the edges of the screen').click();
    assert.ok(Math.abs((await moved(width - 4, 300)).x) < 2, 'switched off');
    await reload();
    assert.equal(await tool('Move at the edges of the screen').getAttribute('aria-pressed'), 'false', 'remembered');
  });
});

describe('the map', () => {
  const drawn = () => page.getByTestId('minimap').getAttribute('data-drawn').then(Number);

  it('is drawn when something changed, and only then', async () => {
    await open();
    await page.waitForTimeout(300);
    const before = await drawn();
    await page.waitForTimeout(1200);
    assert.equal(await drawn(), before, 'at rest');
    await page.keyboard.press('t');
    await settled(page);
    await page.waitForFunction((n) => Number(document.querySelector('[data-testid=minimap]').dataset.drawn) > n, before);
    await page.waitForTimeout(300);
    const turned = await drawn();
    mock.fleet.numbers[4].status = mock.fleet.numbers[4].status === 3 ? 1 : 3;
    mock.control.still = false;
    await page.waitForFunction((n) => Number(document.querySelector('[data-testid=minimap]').dataset.drawn) > n, turned);
  });

  it('leads the camera where it is clicked and dragged', async () => {
    await open();
    const start = await zoomIn();
    const box = await page.getByTestId('minimap').boundingBox();
    await page.mouse.move(box.x + box.width * 0.3, box.y + box.height / 2);
    await page.mouse.down();
    const clicked = await settled(page);
    assert.ok(!near(start, clicked, 15));
    await page.mouse.move(box.x + box.width * 0.7, box.y + box.height / 2, { steps: 4 });
    await page.mouse.up();
    const dragged = await settled(page);
    assert.ok(shift(clicked, dragged).x < -40, JSON.stringify(shift(clicked, dragged)));
  });

  it('is left out on a phone', async () => {
    await open({ viewport: PHONE, touch: true });
    assert.equal(await page.getByTestId('minimap').isVisible(), false);
  });
});

describe('filters', () => {
  const labels = () => page.locator('.city-label:not(.hidden) .name').allTextContents();

  it('step back what is not asked for, say so, and live in the address', async () => {
    await open();
    const { district } = mock.fleet.services[8];
    const asked = mock.fleet.services.filter((s) => s.district === district);
    await tool('Filter').click();
    await page.getByLabel('District').selectOption(district);
    const note = page.getByTestId('filter-note');
    await note.getByText(`${asked.length} of 24`).waitFor();
    await page.waitForFunction((d) => new URLSearchParams(location.search).get('district') === d, district);
    await page.waitForFunction((names) => [...document.querySelectorAll('.city-label:not(.hidden) .name')].every((e) => names.includes(e.textContent)), asked.map((s) => s.name));
    await page.keyboard.press('Escape');
    assert.equal(await page.getByRole('dialog', { name: 'Filter' }).count(), 0);
    await reload();
    await note.getByText(`${asked.length} of 24`).waitFor();
    await note.getByRole('button', { name: 'Show all' }).click();
    await note.waitFor({ state: 'detached' });
    await page.waitForFunction((d) => [...document.querySelectorAll('.city-label:not(.hidden) .name')].some((e) => !e.textContent.startsWith(d)), district);
    assert.ok((await labels()).length > 4);
  });

  it('ask for a status and a kind of trouble by keyboard', async () => {
    await open({ query: 'quality=low&status=unhealthy' });
    const unwell = mock.fleet.numbers.filter((n) => n.status === 3).length;
    await page.getByTestId('filter-note').getByText(`${unwell} of 24`).waitFor();
    await tool(/^Filter/).focus();
    await page.keyboard.press('Enter');
    await page.getByRole('button', { name: /^▲? ?Degraded \d+$/ }).focus();
    await page.keyboard.press('Space');
    const both = mock.fleet.numbers.filter((n) => n.status >= 2).length;
    await page.getByTestId('filter-note').getByText(`${both} of 24`).waitFor();
  });
});

describe('paths', () => {
  /** Slots that calls lead to, over any number of them. */
  const reach = (slot, ends) => {
    const found = new Set();
    for (const queue = [slot]; queue.length > 0; ) {
      const at = queue.pop();
      for (const edge of mock.fleet.edges) {
        const [from, to] = ends(edge);
        if (from === at && to !== null && to !== slot && !found.has(to)) found.add(to), queue.push(to);
      }
    }
    return found;
  };

  it('of the selected service are marked on the names, up and down', async () => {
    const slot = mock.fleet.services.findIndex((_, i) => reach(i, (e) => [e.from, e.to]).size > 0 && reach(i, (e) => [e.to, e.from]).size > 0);
    const { id } = mock.fleet.services[slot];
    await open({ query: `quality=low&service=${encodeURIComponent(id)}` });
    const up = reach(slot, (e) => [e.to, e.from]), down = reach(slot, (e) => [e.from, e.to]);
    await page.waitForFunction(() => [...document.querySelectorAll('.city-label:not(.hidden) .glyph')].some((e) => /[↑↓↕]/.test(e.textContent)));
    const marks = await page.locator('.city-label:not(.hidden)').evaluateAll((all) => all.map((e) => [e.querySelector('.name').textContent, e.querySelector('.glyph').textContent]));
    for (const [name, glyph] of marks) {
      const at = mock.fleet.services.findIndex((s) => s.name === name);
      const expected = up.has(at) && down.has(at) ? '↕' : up.has(at) ? '↑' : down.has(at) ? '↓' : '';
      assert.equal(glyph.replace(/[^↑↓↕]/g, ''), expected, name);
    }
  });
});
