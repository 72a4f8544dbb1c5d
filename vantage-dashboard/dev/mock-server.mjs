/**
 * Serves a build and speaks the API's contract with a seeded fleet: for tests, screenshots and work without a backend.
 *   node dev/mock-server.mjs [--services 130] [--port 5080] [--sample 1] [--schema 1] [--dist dist]
 *     --batch 90     requests a tenth of a second, at most     --skew 0     ms that the server's clock is ahead
 *     --still 1      says hello and nothing more               --spoiled 1  names and loads that should not be
 */
import { createReadStream, existsSync, statSync } from 'node:fs';
import { createServer } from 'node:http';
import { extname, join, normalize, resolve, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import { WebSocketServer } from 'ws';
import { createFleet, requestsFrame, spoil, step, tickFrame } from './fleet.mjs';
import { logLine, routesOf } from './mock-routes.mjs';

const DIST = fileURLToPath(new URL('../dist', import.meta.url));
const TYPES = { '.html': 'text/html; charset=utf-8', '.js': 'text/javascript', '.css': 'text/css', '.svg': 'image/svg+xml' };
// As strict as a deployment may be: the dashboard has to live with it.
const CSP = "default-src 'self'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; worker-src 'self'; base-uri 'none'; object-src 'none'";
const POLICY_VIOLATION = 1008;
const PATHS = ['/ws/city', '/ws/logs'];

/**
 * Starts a mock on a free port unless told one. `control` changes its behaviour while it runs:
 * `apiKey` (asked for from now on), `away` (refuses everything), `steady` (numbers stay as they are), `still` (no ticks, no requests).
 */
export async function startMock({ services = 130, port = 0, sample = 1, schema = 1, batch = 90, skew = 0, still = 0, spoiled = 0, dist = DIST } = {}) {
  const fleet = createFleet(services);
  if (spoiled) spoil(fleet);
  const control = { apiKey: null, away: false, steady: false, still: still !== 0 };
  const clock = () => Date.now() + skew;
  const routes = routesOf(fleet);
  const asked = [];
  const root = resolve(dist) + sep;

  const server = createServer((request, response) => {
    if (control.away) return request.socket.destroy();
    const url = new URL(request.url, 'http://localhost');
    for (const [pattern, answer] of routes) {
      const match = pattern.exec(url.pathname);
      if (!match) continue;
      asked.push(url.pathname + url.search);
      const allowed = control.apiKey === null || request.headers['x-api-key'] === control.apiKey;
      const [status, body] = allowed ? answer(match, url.searchParams) : [401, { error: { code: 'invalid_key', message: 'the API key is not known' } }];
      return response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
    }
    const wanted = join(root, normalize(url.pathname));
    const file = wanted.startsWith(root) && existsSync(wanted) && statSync(wanted).isFile() ? wanted : join(root, 'index.html');
    response.writeHead(200, { 'content-type': TYPES[extname(file)] ?? 'application/octet-stream', 'content-security-policy': CSP });
    createReadStream(file).pipe(response);
  });

  const sockets = new WebSocketServer({ noServer: true });
  const groups = Object.fromEntries(PATHS.map((path) => [path, new Set()]));
  server.on('upgrade', (request, socket, head) => {
    if (control.away || !PATHS.includes(request.url)) return socket.destroy();
    sockets.handleUpgrade(request, socket, head, (client) => {
      const enter = () => {
        groups[request.url].add(client);
        client.on('close', () => groups[request.url].delete(client));
        if (request.url === '/ws/city') client.send(JSON.stringify({ type: 'hello', schema, version: '0.1.0', server_time: clock(), tick_hz: 10, districts: fleet.districts, services: fleet.services, edges: fleet.edges }));
      };
      if (control.apiKey === null) return enter();
      client.once('message', (data) => {
        const { type, api_key: key } = JSON.parse(data);
        if (type === 'auth' && key === control.apiKey) return enter();
        client.send(JSON.stringify({ error: { code: 'invalid_key', message: 'the API key is not known' } }));
        client.close(POLICY_VIOLATION, 'invalid_key');
      });
    });
  });

  const everyone = (path, data) => {
    for (const client of groups[path]) client.send(data);
  };
  const hangUp = () => {
    for (const client of sockets.clients) client.terminate();
  };
  const timers = [
    setInterval(() => {
      if (control.still) return;
      const now = clock();
      if (!control.steady) step(fleet, now / 1000);
      everyone('/ws/city', tickFrame(fleet, now));
      if (services) everyone('/ws/city', requestsFrame(fleet, now - 100, 100, batch, sample));
    }, 100),
    setInterval(() => {
      const rps = fleet.numbers.reduce((sum, n) => sum + n.rps, 0);
      const weighted = (of) => (rps ? fleet.numbers.reduce((sum, n) => sum + n.rps * of(n), 0) / rps : 0);
      everyone('/ws/city', JSON.stringify({ type: 'status', server_time: clock(), ingest_lag_ms: services ? 640 : null, requests_per_second: rps, error_ratio: weighted((n) => n.error), health: services ? Math.round(weighted((n) => Math.min(100, n.health))) : null, alerts_firing: fleet.numbers.filter((n) => n.status === 3).length }));
    }, 1000),
    setInterval(() => {
      if (services && !control.still) everyone('/ws/logs', JSON.stringify({ type: 'logs', data: Array.from({ length: 3 }, () => logLine(fleet, clock())), dropped: 0 }));
    }, 400),
  ];
  await new Promise((listening) => server.listen(port, '127.0.0.1', listening));
  return {
    url: `http://127.0.0.1:${server.address().port}/`,
    fleet,
    control,
    /** Paths and queries of the API calls so far. */
    asked,
    hangUp,
    close: () => {
      timers.forEach(clearInterval);
      hangUp();
      server.closeAllConnections();
      return new Promise((closed) => server.close(closed));
    },
  };
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const given = Object.fromEntries(process.argv.slice(2).join(' ').split('--').filter(Boolean).map((pair) => pair.trim().split(' ')));
  const numbers = Object.fromEntries(['services', 'port', 'sample', 'schema', 'batch', 'skew', 'still', 'spoiled'].filter((name) => name in given).map((name) => [name, Number(given[name])]));
  const mock = await startMock({ port: 5080, ...numbers, ...(given.dist && { dist: given.dist }) });
  console.log(`mock: ${mock.fleet.services.length} services on ${mock.url}`);
}
