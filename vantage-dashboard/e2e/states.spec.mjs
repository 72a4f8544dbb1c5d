import assert from 'node:assert/strict';
import { after, afterEach, before, beforeEach, describe, it } from 'node:test';
import { createFleet } from '../dev/fleet.mjs';
import { startMock } from '../dev/mock-server.mjs';
import { launch } from './browser.mjs';
import { firstFrame, frames, openCity, PHONE, picture } from './city-page.mjs';

let mock, browser, city, page;

before(async () => {
  [mock, browser] = await Promise.all([startMock({ services: 24, dist: process.env.DIST }), launch()]);
});
after(async () => {
  await browser.close();
  await mock.close();
});
beforeEach(() => {
  Object.assign(mock.control, { apiKey: null, away: false, steady: true, still: false });
});
afterEach(async () => {
  await city?.close();
  city = null;
});

const open = async (options) => {
  city = await openCity(browser, mock, options);
  page = city.page;
};
const link = (state) => page.locator(`[data-testid=connection][data-state=${state}]`).waitFor();
/** What the page may have complained about while the API was away or refused it. */
const complaints = (allowed) => city.problems.filter((text) => !allowed.test(text));

describe('motion', () => {
  for (const [scheme, moves] of [['reduce', false], ['no-preference', true]]) {
    it(`${moves ? 'goes on' : 'stops'} with prefers-reduced-motion: ${scheme}`, async () => {
      await open({ scheme });
      await firstFrame(page);
      await page.waitForTimeout(1200);
      const before = await picture(page);
      await page.waitForTimeout(700);
      assert.equal((await picture(page)) !== before, moves);
      assert.deepEqual(city.problems, []);
    });
  }

  it('a hidden tab draws nothing and wakes up', async () => {
    await open();
    await firstFrame(page);
    const hide = (hidden) =>
      page.evaluate((value) => {
        Object.defineProperty(document, 'hidden', { value, configurable: true });
        document.dispatchEvent(new Event('visibilitychange'));
      }, hidden);
    await hide(true);
    await page.waitForTimeout(300);
    const asleep = await frames(page);
    await page.waitForTimeout(600);
    assert.equal(await frames(page), asleep);
    await hide(false);
    await page.waitForFunction((n) => window.__vantage.stats.frames > n + 2, asleep);
  });
});

describe('the graphics context', () => {
  const lose = () =>
    page.evaluate(() => {
      window.lost = document.querySelector('.city-canvas canvas').getContext('webgl2').getExtension('WEBGL_lose_context');
      window.lost.loseContext();
    });

  it('comes back after a loss, effects and all', async () => {
    await open({ query: 'quality=high' });
    await firstFrame(page);
    await lose();
    await page.waitForTimeout(300);
    await page.evaluate(() => window.lost.restoreContext());
    const drawn = await frames(page);
    await page.waitForFunction((n) => window.__vantage.stats.frames > n + 2 && window.__vantage.coverage() > 0.1, drawn);
    assert.deepEqual(complaints(/context lost|context restored/i), []);
  });

  it('that does not come back leaves the table, and another try', async () => {
    await open();
    await firstFrame(page);
    await lose();
    await page.getByTestId('table-twin').waitFor();
    await page.getByText('stopped drawing').waitFor();
    await page.getByTestId('table-toggle').click();
    await page.waitForFunction(() => window.__vantage.stats?.frames > 2);
  });
});

describe('the connection', () => {
  it('is missed, said so, and found again', async () => {
    await open();
    await firstFrame(page);
    mock.control.away = true;
    mock.hangUp();
    await page.getByTestId('offline').waitFor();
    assert.equal(await page.getByTestId('hud-services').getByText('24').count(), 1, 'the last state stays');
    mock.control.away = false;
    await link('live');
    await page.getByTestId('offline').waitFor({ state: 'detached' });
  });

  it('asks for a key, says when it is wrong, and opens with the right one', async () => {
    mock.control.apiKey = 'secret';
    await open();
    const dialog = page.getByTestId('key-dialog');
    await dialog.waitFor();
    assert.equal(await page.getByTestId('key-wrong').count(), 0);
    await page.keyboard.type('wrong');
    await page.keyboard.press('Enter');
    await page.getByTestId('key-wrong').waitFor();
    await page.keyboard.press('ControlOrMeta+a');
    await page.keyboard.type('secret');
    await page.keyboard.press('Enter');
    await dialog.waitFor({ state: 'detached' });
    await link('live');
    await firstFrame(page);
    assert.equal(await page.evaluate(() => Object.values(sessionStorage).join()), 'secret');
    // A key that comes while a socket still connects makes the page connect anew; the browser remarks on it.
    assert.deepEqual(complaints(/401|closed before the connection/), []);
  });
});

describe('without a mouse', () => {
  const focused = () =>
    page.evaluate(() => {
      const { outlineStyle, outlineWidth } = getComputedStyle(document.activeElement);
      const { x, y } = document.activeElement.getBoundingClientRect();
      return { name: document.activeElement.ariaLabel || document.activeElement.placeholder || document.activeElement.textContent.trim(), ring: outlineStyle !== 'none' && parseFloat(outlineWidth) >= 1, inside: x >= 0 && y >= 0 };
    });
  const tabTo = async (name) => {
    for (let i = 0; i < 60; i++) {
      await page.keyboard.press('Tab');
      const at = await focused();
      if (at.name === '') continue;
      assert.ok(at.ring, `no visible focus on “${at.name}”`);
      if (name.test(at.name)) return;
    }
    throw new Error(`Tab does not lead to ${name}`);
  };

  it('every panel can be reached, with the focus in sight', async () => {
    await open();
    await firstFrame(page);
    const worst = await page.locator('[data-testid=attention] .attention-name').first().textContent();
    await tabTo(new RegExp(worst));
    await page.keyboard.press('Enter');
    await page.getByTestId('service-panel').waitFor();
    await page.locator('.traces button').first().waitFor();
    await tabTo(/^\d.*POST \/checkout/);
    await page.keyboard.press('Enter');
    await page.getByTestId('trace-drawer').waitFor();
    await page.locator('[data-testid=trace-span]').first().waitFor();
    await page.keyboard.press('Escape');
    await page.getByTestId('trace-drawer').waitFor({ state: 'detached' });
    assert.match((await focused()).name, /POST \/checkout/, 'the focus returns');
    await tabTo(/Logs in the Black Box/);
    await page.keyboard.press('Enter');
    await page.locator('[data-testid=blackbox][data-open=true]').waitFor();
    await page.keyboard.press('Escape');
    await page.getByTestId('service-panel').waitFor({ state: 'detached' });
    assert.deepEqual(city.problems, []);
  });

  it('the panel asks for its own environment', async () => {
    const of = mock.fleet.services[3];
    await open({ query: `view=table&service=${encodeURIComponent(of.id)}` });
    await page.locator('.traces button').first().waitFor();
    await page.locator('.factors').waitFor();
    const calls = mock.asked.filter((path) => path.includes(of.name) && !path.startsWith('/api/logs'));
    assert.equal(new Set(calls.map((path) => path.split('?')[0])).size, 5, calls.join(' '));
    for (const path of calls) assert.match(path, /environment=production/);
  });

  it('the table has the same numbers, sorts, and reports its paints', async () => {
    mock.control.still = true;
    await open({ query: 'view=table' });
    mock.control.still = false;
    await page.waitForFunction(() => Object.keys(window.__vantage.lastChange).length === 24);
    assert.notEqual(await page.evaluate(() => window.__vantage.firstFrameAt), null);
    const column = (n) => page.locator(`[data-testid=table-twin] tbody tr > :nth-child(${n})`).allTextContents();
    await page.getByRole('button', { name: 'Pods' }).click();
    await page.locator('th[aria-sort=descending]').getByText('Pods').waitFor();
    const pods = (await column(8)).map(Number);
    assert.ok(pods.length === 24 && pods[0] > pods[23]);
    assert.deepEqual(pods, [...pods].sort((a, b) => b - a));
    await page.getByRole('button', { name: 'Pods' }).press('Enter');
    await page.locator('th[aria-sort=ascending]').getByText('Pods').waitFor();
    assert.deepEqual((await column(8)).map(Number), pods.toReversed());
    assert.equal(await page.locator('th[aria-sort=ascending]').textContent().then((text) => text.trim().startsWith('Pods')), true);
    assert.deepEqual(city.problems, []);
  });
});

describe('names of buildings', () => {
  for (const [where, viewport] of [['a desk', { width: 1400, height: 800 }], ['a phone', PHONE]]) {
    it(`on ${where} lie neither over each other nor under a panel`, async () => {
      await open({ viewport });
      await firstFrame(page);
      await page.waitForTimeout(700);
      const { labels, covers } = await page.evaluate(() => {
        const boxes = (selector) => [...document.querySelectorAll(selector)].map((e) => e.getBoundingClientRect().toJSON());
        return { labels: boxes('.city-label:not(.hidden)'), covers: boxes('[data-covers]') };
      });
      assert.ok(labels.length > 4, `${labels.length} names`);
      const meet = (a, b) => a.left < b.right && b.left < a.right && a.top < b.bottom && b.top < a.bottom;
      labels.forEach((label, i) => {
        for (const other of [...labels.slice(i + 1), ...covers]) assert.ok(!meet(label, other), JSON.stringify([label, other]));
      });
    });
  }
});

describe('the budget', () => {
  it('of a frame in high quality holds: draw calls and bytes', async () => {
    await open({ query: 'quality=high' });
    await firstFrame(page);
    await page.waitForFunction(() => window.__vantage.stats.steadyFrames > 12);
    const { draws, bytesPerFrame } = await page.evaluate(() => window.__vantage.stats);
    assert.ok(draws <= 25, `${draws} draw calls`);
    assert.ok(bytesPerFrame < 16_384, `${bytesPerFrame} bytes a frame`);
  });
});

describe('a city that grows', () => {
  it('is drawn as one that was large from the start', async () => {
    const triangles = async (services) => {
      await page.waitForFunction((count) => Object.keys(window.__vantage.services()).length === count, services);
      await firstFrame(page);
      return page.evaluate(() => window.__vantage.stats.triangles);
    };
    const small = { ...mock.fleet };
    try {
      await open();
      const before = await triangles(24);
      Object.assign(mock.fleet, createFleet(150));
      mock.hangUp();
      const grown = await triangles(150);
      await city.close();
      await open();
      assert.equal(grown, await triangles(150));
      assert.ok(grown > before * 3, `${before} triangles became ${grown}`);
    } finally {
      Object.assign(mock.fleet, small);
    }
  });
});
