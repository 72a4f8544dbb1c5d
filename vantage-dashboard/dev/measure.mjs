/**
 * What a frame costs once the city stands: draw calls, bytes given to the GPU, milliseconds of JavaScript.
 * The GPU's queue is emptied before each frame, or a slow (software) one would be counted as ours.
 *   node dev/measure.mjs [--services 130] [--dist dist] [--quality high] [--frames 250]
 */
import { launch } from '../e2e/browser.mjs';
import { firstFrame, openCity } from '../e2e/city-page.mjs';
import { startMock } from './mock-server.mjs';

const option = (name, fallback) => {
  const at = process.argv.indexOf(`--${name}`);
  return at < 0 ? fallback : process.argv[at + 1];
};
const mock = await startMock({ services: Number(option('services', '130')), ...(option('dist') && { dist: option('dist') }) });
const browser = await launch();
const { page } = await openCity(browser, mock, { viewport: { width: 920, height: 560 }, query: `quality=${option('quality', 'high')}` });
page.setDefaultTimeout(240_000);
await firstFrame(page);
await page.evaluate(() => {
  const gl = document.querySelector('.city-canvas canvas').getContext('webgl2');
  const pixel = new Uint8Array(4);
  const ask = window.requestAnimationFrame.bind(window);
  window.requestAnimationFrame = (run) =>
    ask((time) => {
      gl.readPixels(0, 0, 1, 1, gl.RGBA, gl.UNSIGNED_BYTE, pixel);
      run(time);
    });
});
const frames = Number(option('frames', '250'));
await page.waitForFunction((n) => window.__vantage.stats.steadyFrames > n, frames + (await page.evaluate(() => window.__vantage.stats.steadyFrames)));
console.log(JSON.stringify(await page.evaluate(() => window.__vantage.stats)));
await browser.close();
await mock.close();
