import assert from 'node:assert/strict';
import { after, afterEach, before, describe, it } from 'node:test';
import { startMock } from '../dev/mock-server.mjs';
import { launch } from './browser.mjs';
import { firstFrame, openCity } from './city-page.mjs';

/** What nobody should send is shown right, or said clearly. */

let browser, mock, city, page;

before(async () => {
  browser = await launch();
});
after(() => browser.close());
afterEach(async () => {
  await city?.close();
  await mock?.close();
  city = mock = null;
});

const open = async (fleet, query = 'quality=low') => {
  mock = await startMock({ dist: process.env.DIST, ...fleet });
  city = await openCity(browser, mock, { query });
  page = city.page;
};
const shown = (id) => page.getByTestId(id).innerText();
/** Elements that the names would have made, were they taken for markup. */
const made = async () => (await page.locator('main img, main script').count()) + (await page.locator('main b', { hasText: /^district$/ }).count());
const until = (test, argument) => page.waitForFunction(test, argument);

describe('names', () => {
  it('of markup, control characters and any length are only text', async () => {
    await open({ services: 24, spoiled: 1 }, 'view=table&logs=closed');
    page.on('dialog', () => city.problems.push('a name opened a dialog'));
    await page.locator('[data-testid=table-twin] tbody tr').nth(23).waitFor();
    const names = await page.locator('[data-testid=table-twin] th[scope=row] button').allInnerTexts();
    assert.ok(names.includes('<img src=x onerror=alert(1)>'));
    assert.ok(names.includes('${7*7}{{7*7}}'));
    assert.ok(names.some((name) => name.includes('名前 🚀 été')));
    assert.ok(!names.some((name) => /[\u0000-\u001f\u202a-\u202e]/.test(name)));
    assert.equal(await made(), 0);
    assert.ok(await page.evaluate(() => document.documentElement.scrollWidth <= window.innerWidth), 'nothing sticks out');
    assert.deepEqual(city.problems, []);
  });

  it('stand over their buildings, cut, and in their panel', async () => {
    await open({ services: 24, spoiled: 1 });
    await firstFrame(page);
    await page.getByTestId('attention').locator('button').first().click();
    await page.getByTestId('service-panel').waitFor();
    const labels = await page.locator('.city-label:not(.hidden) .name').allInnerTexts();
    assert.ok(labels.length > 0 && labels.every((text) => text.length <= 34));
    assert.equal(await made(), 0);
    assert.deepEqual(city.problems, []);
  });
});

it('a service of a million requests a second has its number', async () => {
  await open({ services: 24, spoiled: 1 }, 'view=table&sort=-rps');
  await until(() => document.querySelector('[data-testid=table-twin] tbody tr')?.innerText.match(/\d\.\dM|9\d\dk/));
  await until(() => /\d\.\dM|9\d\dk/.test(document.querySelector('[data-testid=hud-rps]').innerText));
  assert.deepEqual(city.problems, []);
});

it('no service at all is said, with what to do', async () => {
  await open({ services: 0 });
  await page.getByText('init_agent').waitFor();
  assert.match(await shown('hud-services'), /0/);
  assert.deepEqual(city.problems, []);
});

it('ten thousand are drawn in as many calls as ten', async () => {
  mock = await startMock({ services: 10_000, dist: process.env.DIST });
  city = await openCity(browser, mock, { query: 'quality=low', rasterized: false });
  page = city.page;
  await until(() => window.__vantage?.stats?.frames > 5 && Object.keys(window.__vantage.services()).length === 10_000);
  assert.ok((await page.evaluate(() => window.__vantage.stats.draws)) <= 40);
  await page.getByTestId('table-toggle').click();
  await page.getByText('500 of 10000').waitFor();
  await page.getByRole('button', { name: 'Show 500 more' }).click();
  await page.getByText('1000 of 10000').waitFor();
  assert.equal(await page.locator('[data-testid=table-twin] tbody tr').count(), 1000);
  assert.deepEqual(city.problems, []);
});

for (const minutes of [-7, 7]) {
  it(`requests fly where the server's clock differs by ${minutes} minutes`, async () => {
    await open({ services: 24, skew: minutes * 60_000 });
    await firstFrame(page);
    await until(() => window.__vantage.flying > 20);
    assert.equal(await page.getByTestId('connection').getAttribute('data-state'), 'live');
    assert.deepEqual(city.problems, []);
  });
}

it('a newer schema is said, and nothing is shown wrong', async () => {
  await open({ services: 24, schema: 2 });
  await page.getByTestId('incompatible').waitFor();
  assert.match(await shown('incompatible'), /schema 2.*upgrade the dashboard/s);
  assert.deepEqual(city.problems, []);
});
