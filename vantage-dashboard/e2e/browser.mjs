/** A headless Chromium that draws WebGL 2 in software and reaches nothing but this machine. */
import { existsSync } from 'node:fs';
import { chromium } from 'playwright-core';

const FLAGS = [
  '--no-sandbox', '--use-gl=angle', '--use-angle=swiftshader', '--enable-unsafe-swiftshader', '--ignore-gpu-blocklist', '--disable-dev-shm-usage',
  '--disable-background-timer-throttling', '--disable-renderer-backgrounding', '--disable-backgrounding-occluded-windows', '--force-color-profile=srgb',
  '--hide-scrollbars', '--mute-audio', '--disable-background-networking', '--disable-component-update', '--disable-sync', '--disable-default-apps',
  '--no-first-run', '--metrics-recording-only', '--disable-breakpad', '--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE localhost, EXCLUDE 127.0.0.1',
];
const SYSTEM = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'].find(existsSync);

export function launch({ webgl = true } = {}) {
  return chromium.launch({ ...(SYSTEM && { executablePath: SYSTEM }), headless: true, args: webgl ? FLAGS : [...FLAGS, '--disable-3d-apis'] });
}
