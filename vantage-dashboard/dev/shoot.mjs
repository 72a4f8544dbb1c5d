/**
 * Takes a screenshot of the running dashboard in headless Chromium with software WebGL.
 *   node dev/shoot.mjs OUT.png [--url 'http://127.0.0.1:5080/?vantage=1&quality=high'] [--size 1600x900] [--wait 6000] [--click x,y] [--scheme dark|light] [--keys 't Home'] [--reduced] [--no3d]
 */
import { launch } from '../e2e/browser.mjs';

const text = (name, fallback) => {
  const at = process.argv.indexOf(`--${name}`);
  return at < 0 ? fallback : process.argv[at + 1];
};
const [width, height] = text('size', '1600x900').split('x').map(Number);
const browser = await launch({ webgl: !process.argv.includes('--no3d') });
const page = await browser.newPage({ viewport: { width, height }, deviceScaleFactor: 1, colorScheme: text('scheme', 'dark'), reducedMotion: process.argv.includes('--reduced') ? 'reduce' : 'no-preference', hasTouch: width < 900 });
page.setDefaultTimeout(120_000);
page.on('console', (message) => ['error', 'warning'].includes(message.type()) && console.log(`[${message.type()}]`, message.text().slice(0, 600)));
page.on('pageerror', (error) => console.log('[pageerror]', error.message));
await page.goto(text('url', 'http://127.0.0.1:5080/?vantage=1&quality=high'));
if (!process.argv.includes('--no3d')) await page.waitForFunction(() => window.__vantage?.firstFrameAt != null, null, { timeout: 120_000 }).catch((error) => console.log('no frame:', error.message));
await page.waitForTimeout(Number(text('wait', '6000')));
for (const keys of text('keys', '').split(' ').filter(Boolean)) await page.keyboard.press(keys);
const click = text('click', null);
if (click) {
  const [x, y] = click.split(',').map(Number);
  await page.mouse.click(x, y);
  await page.waitForTimeout(4000);
}
await page.screenshot({ path: process.argv[2], timeout: 120_000 });
console.log(JSON.stringify(await page.evaluate(() => ({ ...window.__vantage?.stats, coverage: window.__vantage?.coverage(), links: document.querySelector('[data-testid=connection]')?.textContent }))));
await browser.close();
