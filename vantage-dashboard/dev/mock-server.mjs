/**
 * Serves dist/ and speaks the API's contract with a seeded fleet, for screenshots and work without a backend.
 *   node dev/mock-server.mjs [--services 130] [--port 5080] [--sample 1] [--schema 1]
 */
import { createReadStream, existsSync, statSync } from 'node:fs';
import { createServer } from 'node:http';
import { extname, join, normalize } from 'node:path';
import { fileURLToPath } from 'node:url';
import { WebSocketServer } from 'ws';
import { createFleet, requestsFrame, STATUS, step, tickFrame } from './fleet.mjs';

const option = (name, fallback) => {
  const at = process.argv.indexOf(`--${name}`);
  return at < 0 ? fallback : Number(process.argv[at + 1]);
};
const PORT = option('port', 5080), SAMPLE = option('sample', 1), SCHEMA = option('schema', 1);
const fleet = createFleet(option('services', 130));
const DIST = fileURLToPath(new URL('../dist/', import.meta.url));
const TYPES = { '.html': 'text/html; charset=utf-8', '.js': 'text/javascript', '.css': 'text/css', '.svg': 'image/svg+xml' };
// As strict as a deployment may be: the dashboard has to live with it.
const CSP = "default-src 'self'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; worker-src 'self'; base-uri 'none'; object-src 'none'";

const byName = (name) => fleet.services.find((s) => s.name === decodeURIComponent(name));
const MESSAGES = ['GET /cart 200 in 31 ms', 'cache miss for key user:48213', 'connection pool at 82%', 'retrying upstream (attempt 2/5)', 'payment authorised', 'timeout after 3000 ms calling ledger-db', 'deployed 1.14.2', '\u001b[31mred\u001b[0m <b>markup stays text</b>', 'job 9912 finished in 1.2 s'];
const LEVELS = ['INFO', 'DEBUG', 'WARN', 'WARN', 'INFO', 'ERROR', 'INFO', 'INFO', 'INFO'];

function logLine(timestamp) {
  const i = Math.floor(fleet.random() * MESSAGES.length);
  const service = fleet.services[Math.floor(fleet.random() * fleet.services.length)];
  return { timestamp, service_name: service.name, severity: LEVELS[i], body: MESSAGES[i], attributes: {}, trace_id: fleet.random() < 0.5 ? `trace-${Math.floor(fleet.random() * 1e6)}` : null, span_id: null };
}

const routes = [
  [/^\/api\/services\/([^/]+)$/, ([, name]) => {
    const s = byName(name);
    if (!s) return [404, { error: { code: 'not_found', message: `No service ${name}.` } }];
    const n = fleet.numbers[s.slot];
    const callers = fleet.edges.filter((e) => e.to === s.slot && e.from !== null).map((e) => ({ service_name: fleet.services[e.from].name, count: Math.round(n.rps * 300), error_ratio: n.error, p95_ms: n.p95 }));
    return [200, { service_name: s.name, environment: s.environment, district: s.district, version: '1.14.2', pods: n.pods, requests_per_second: n.rps, error_ratio: n.error, p95_ms: n.p95, health_score: n.health, status: STATUS[n.status], first_seen: 0, last_seen: Date.now(), metrics: ['http.request.duration'], instances: [], callers,
      endpoints: ['/cart', '/cart/{id}/items', '/checkout', '/orders/{id}'].map((endpoint, i) => ({ endpoint, method: i === 2 ? 'POST' : 'GET', count: Math.round(n.rps * 300 / (i + 1)), error_ratio: i === 2 ? n.error * 2 : n.error / 4, mean_ms: n.p95 / 3, p95_ms: n.p95 * (1 - i * 0.15) })) }];
  }],
  [/^\/health\/score\/([^/]+)$/, ([, name]) => {
    const s = byName(name), n = s && fleet.numbers[s.slot];
    return n ? [200, { service_name: s.name, health_score: n.health, status: STATUS[n.status], factors: { error_rate: { score: Math.max(0, 100 - n.error * 300), value: n.error, weight: 0.4, state: 'ok' }, response_time: { score: n.status === 2 ? 41 : 92, value: n.p95, weight: 0.3, state: 'ok' }, availability: { score: 100, value: 1, weight: 0.2, state: 'ok' }, request_rate: { score: null, value: n.rps, weight: 0.1, state: 'learning' } } }] : [404, { error: { code: 'not_found', message: 'unknown' } }];
  }],
  [/^\/api\/metrics\/timeseries$/, (_m, q) => {
    const s = byName(q.get('service') ?? ''), n = s && fleet.numbers[s.slot], start = Number(q.get('start')), end = Number(q.get('end')), stepMs = Number(q.get('step')) * 1000;
    const points = [];
    for (let t = start; t <= end; t += stepMs) points.push([t, (q.get('agg') === 'rate' ? n.base : n.p95) * (1 + 0.25 * Math.sin(t / 90_000) + 0.12 * Math.sin(t / 17_000 + n.base))]);
    return [200, { service: s.name, metric: q.get('metric'), agg: q.get('agg'), step_s: stepMs / 1000, start, end, source: 'mock', series: [{ group: {}, points }] }];
  }],
  [/^\/api\/logs$/, (_m, q) => [200, { logs: fleet.services.length ? Array.from({ length: Math.min(200, Number(q.get('limit') ?? 100)) }, (_, i) => logLine(Date.now() - i * 400)) : [] }]],
  [/^\/traces\/search$/, (_m, q) => [200, { traces: Array.from({ length: 4 }, (_, i) => ({ trace_id: `trace-${i}`, service: q.get('service'), name: 'POST /checkout', start: Date.now() - i * 9000, duration: 812 + i * 400, span_count: 9, error_count: 1, services: [] })) }]],
  [/^\/traces\/$/, (_m, q) => {
    const now = Date.now() - 5000;
    const span = (id, parent, service, name, at, duration, status = 'ok') => ({ trace_id: q.get('trace_id'), span_id: id, parent_span_id: parent, service, name, kind: 'server', start: now + at, duration, status, attributes: {} });
    return [200, [span('a', null, 'edge-gateway', 'POST /checkout', 0, 812, 'error'), span('b', 'a', 'identity-auth', 'verify token', 6, 31), span('c', 'a', 'payments-api', 'POST /charge', 44, 740, 'error'), span('d', 'c', 'payments-db', 'SELECT cards', 50, 22), span('e', 'c', 'ledger-api', 'POST /entries', 80, 690, 'error'), span('f', 'e', 'ledger-db', 'INSERT entries', 92, 671, 'error')]];
  }],
];

const server = createServer((request, response) => {
  const url = new URL(request.url, 'http://localhost');
  for (const [pattern, answer] of routes) {
    const match = pattern.exec(url.pathname);
    if (!match) continue;
    const [status, body] = answer(match, url.searchParams);
    response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
    return;
  }
  const wanted = join(DIST, normalize(url.pathname));
  const file = wanted.startsWith(DIST) && existsSync(wanted) && statSync(wanted).isFile() ? wanted : join(DIST, 'index.html');
  response.writeHead(200, { 'content-type': TYPES[extname(file)] ?? 'application/octet-stream', 'content-security-policy': CSP });
  createReadStream(file).pipe(response);
});

const city = new WebSocketServer({ noServer: true }), logs = new WebSocketServer({ noServer: true });
server.on('upgrade', (request, socket, head) => {
  const target = request.url === '/ws/city' ? city : request.url === '/ws/logs' ? logs : null;
  if (!target) return socket.destroy();
  target.handleUpgrade(request, socket, head, (client) => target.emit('connection', client));
});
city.on('connection', (client) => client.send(JSON.stringify({ type: 'hello', schema: SCHEMA, version: '0.1.0', server_time: Date.now(), tick_hz: 10, districts: fleet.districts, services: fleet.services, edges: fleet.edges })));

const everyone = (group, data) => {
  for (const client of group.clients) if (client.readyState === 1) client.send(data);
};
setInterval(() => {
  const now = Date.now();
  step(fleet, now / 1000);
  everyone(city, tickFrame(fleet, now));
  if (fleet.services.length) everyone(city, requestsFrame(fleet, now - 100, 100, 90, SAMPLE));
}, 100);
setInterval(() => {
  const rps = fleet.numbers.reduce((sum, n) => sum + n.rps, 0);
  const weighted = (of) => (rps ? fleet.numbers.reduce((sum, n) => sum + n.rps * of(n), 0) / rps : 0);
  everyone(city, JSON.stringify({ type: 'status', server_time: Date.now(), ingest_lag_ms: fleet.services.length ? 640 : null, requests_per_second: rps, error_ratio: weighted((n) => n.error), health: fleet.services.length ? Math.round(weighted((n) => Math.min(100, n.health))) : null, alerts_firing: fleet.numbers.filter((n) => n.status === 3).length }));
}, 1000);
setInterval(() => {
  if (fleet.services.length) everyone(logs, JSON.stringify({ type: 'logs', data: Array.from({ length: 3 }, () => logLine(Date.now())), dropped: 0 }));
}, 400);
server.listen(PORT, '127.0.0.1', () => console.log(`mock: ${fleet.services.length} services on http://127.0.0.1:${PORT}/`));
