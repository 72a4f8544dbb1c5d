/** The mock's REST answers. Development and tests only. */
import { STATUS } from './fleet.mjs';

const MESSAGES = ['GET /cart 200 in 31 ms', 'cache miss for key user:48213', 'connection pool at 82%', 'retrying upstream (attempt 2/5)', 'payment authorised', 'timeout after 3000 ms calling ledger-db', 'deployed 1.14.2', '\u001b[31mred\u001b[0m <b>markup stays text</b>', 'job 9912 finished in 1.2 s'];
const LEVELS = ['INFO', 'DEBUG', 'WARN', 'WARN', 'INFO', 'ERROR', 'INFO', 'INFO', 'INFO'];

export function logLine(fleet, timestamp) {
  const i = Math.floor(fleet.random() * MESSAGES.length);
  const service = fleet.services[Math.floor(fleet.random() * fleet.services.length)];
  return { timestamp, service_name: service.name, severity: LEVELS[i], body: MESSAGES[i], attributes: {}, trace_id: fleet.random() < 0.5 ? `trace-${Math.floor(fleet.random() * 1e6)}` : null, span_id: null };
}

const MISSING = [404, { error: { code: 'not_found', message: 'no such service' } }];

/** [pattern of the path, (match, query) → [status, body]], first fit wins. */
export function routesOf(fleet) {
  const byName = (name) => fleet.services.find((s) => s.name === decodeURIComponent(name));
  return [
    [/^\/api\/services\/([^/]+)$/, ([, name]) => {
      const s = byName(name);
      if (!s) return MISSING;
      const n = fleet.numbers[s.slot];
      const callers = fleet.edges.filter((e) => e.to === s.slot && e.from !== null).map((e) => ({ service_name: fleet.services[e.from].name, count: Math.round(n.rps * 300), error_ratio: n.error, p95_ms: n.p95 }));
      const endpoints = ['/cart', '/cart/{id}/items', '/checkout', '/orders/{id}'].map((endpoint, i) => ({ endpoint, method: i === 2 ? 'POST' : 'GET', count: Math.round((n.rps * 300) / (i + 1)), error_ratio: i === 2 ? n.error * 2 : n.error / 4, mean_ms: n.p95 / 3, p95_ms: n.p95 * (1 - i * 0.15) }));
      return [200, { service_name: s.name, environment: s.environment, district: s.district, version: '1.14.2', pods: n.pods, requests_per_second: n.rps, error_ratio: n.error, p95_ms: n.p95, health_score: n.health, status: STATUS[n.status], first_seen: 0, last_seen: Date.now(), metrics: ['http.request.duration'], instances: [], callers, endpoints }];
    }],
    [/^\/health\/score\/([^/]+)$/, ([, name]) => {
      const s = byName(name);
      if (!s) return MISSING;
      const n = fleet.numbers[s.slot];
      const factors = {
        error_rate: { score: Math.max(0, 100 - n.error * 300), value: n.error, weight: 0.4, state: 'ok' },
        response_time: { score: n.status === 2 ? 41 : 92, value: n.p95, weight: 0.3, state: 'ok' },
        availability: { score: 100, value: 1, weight: 0.2, state: 'ok' },
        request_rate: { score: null, value: n.rps, weight: 0.1, state: 'learning' },
      };
      return [200, { service_name: s.name, health_score: n.health, status: STATUS[n.status], factors }];
    }],
    [/^\/api\/services$/, (_match, query) => {
      const listed = fleet.services.slice(0, Number(query.get('limit') ?? 100)).map((s) => {
        const n = fleet.numbers[s.slot];
        return { service_name: s.name, environment: s.environment, district: s.district, version: '1.14.2', first_seen: Date.now() - 3_600_000, last_seen: Date.now(), pods: n.pods, requests_per_second: n.rps, error_ratio: n.error, p95_ms: n.p95, health_score: n.health === 255 ? null : n.health, status: STATUS[n.status] };
      });
      return [200, { services: listed, total: fleet.services.length, next_cursor: null }];
    }],
    [/^\/health\/history(?:\/([^/]+))?$/, (_match, query) => {
      const start = Number(query.get('start')), end = Number(query.get('end')), stepMs = Number(query.get('step') ?? 60) * 1000, points = [];
      const statuses = { HEALTHY: fleet.services.length, DEGRADED: 0, UNHEALTHY: 0, UNKNOWN: 0 };
      for (let t = start; t < end; t += stepMs) points.push({ timestamp: t, health_score: Math.round(90 + 6 * Math.sin(t / 240_000)), status: 'HEALTHY', requests: 60_000, error_ratio: 0.01, requests_per_second: 1000, statuses });
      return [200, { step_s: stepMs / 1000, start, end, source: 'mock', points }];
    }],
    [/^\/api\/alerts\/history$/, () => [200, { events: [], next_cursor: null }]],
    [/^\/api\/metrics\/timeseries$/, (_match, query) => {
      const s = byName(query.get('service') ?? '');
      if (!s) return query.has('service') ? MISSING : [200, { service: null, metric: query.get('metric'), agg: query.get('agg'), step_s: Number(query.get('step')), start: Number(query.get('start')), end: Number(query.get('end')), source: 'mock', series: [] }];
      const n = fleet.numbers[s.slot], start = Number(query.get('start')), end = Number(query.get('end')), stepMs = Number(query.get('step')) * 1000;
      const points = [];
      for (let t = start; t <= end; t += stepMs) points.push([t, (query.get('agg') === 'rate' ? n.base : n.p95) * (1 + 0.25 * Math.sin(t / 90_000) + 0.12 * Math.sin(t / 17_000 + n.base))]);
      return [200, { service: s.name, metric: query.get('metric'), agg: query.get('agg'), step_s: stepMs / 1000, start, end, source: 'mock', series: [{ group: {}, points }] }];
    }],
    [/^\/api\/logs$/, (_match, query) => [200, { logs: fleet.services.length ? Array.from({ length: Math.min(200, Number(query.get('limit') ?? 100)) }, (_, i) => logLine(fleet, Date.now() - i * 400)) : [] }]],
    [/^\/traces\/search$/, (_match, query) => [200, { traces: Array.from({ length: 4 }, (_, i) => ({ trace_id: `trace-${i}`, service: query.get('service'), name: 'POST /checkout', start: Date.now() - i * 9000, duration: 812 + i * 400, span_count: 9, error_count: 1, services: [] })) }]],
    [/^\/traces\/$/, (_match, query) => {
      const now = Date.now() - 5000;
      const span = (id, parent, service, name, at, duration, status = 'ok') => ({ trace_id: query.get('trace_id'), span_id: id, parent_span_id: parent, service, name, kind: 'server', start: now + at, duration, status, attributes: {} });
      return [200, [span('a', null, 'edge-gateway', 'POST /checkout', 0, 812, 'error'), span('b', 'a', 'identity-auth', 'verify token', 6, 31), span('c', 'a', 'payments-api', 'POST /charge', 44, 740, 'error'), span('d', 'c', 'payments-db', 'SELECT cards', 50, 22), span('e', 'c', 'ledger-api', 'POST /entries', 80, 690, 'error'), span('f', 'e', 'ledger-db', 'INSERT entries', 92, 671, 'error')]];
    }],
  ];
}
