/** Answers of the query API, as docs/rest-shapes.md names them. To be replaced by types generated from /openapi.json. */

export interface ServiceSummary {
  service_name: string;
  environment: string;
  district: string;
  version: string | null;
  first_seen: number;
  last_seen: number;
  pods: number;
  requests_per_second: number;
  error_ratio: number | null;
  p95_ms: number | null;
  health_score: number | null;
  status: string;
}

export interface EndpointSummary {
  endpoint: string;
  method: string;
  count: number;
  error_ratio: number | null;
  mean_ms: number | null;
  p95_ms: number | null;
}

export interface CallerSummary {
  service_name: string;
  count: number;
  error_ratio: number | null;
  p95_ms: number | null;
}

export interface ServiceDetail extends ServiceSummary {
  endpoints: EndpointSummary[];
  metrics: string[];
  callers: CallerSummary[];
  instances: string[];
}

export interface TimeSeries {
  service: string;
  metric: string;
  agg: string;
  step_s: number;
  start: number;
  end: number;
  source: string;
  series: { group: Record<string, string>; points: [number, number | null][] }[];
}

export interface HealthFactor {
  score: number | null;
  value: number | null;
  weight: number;
  state: 'ok' | 'learning' | 'no_data';
}

export interface HealthScore {
  service_name: string;
  health_score: number | null;
  status: string;
  factors: Record<string, HealthFactor>;
}

export interface Span {
  trace_id: string;
  span_id: string;
  parent_span_id: string | null;
  service: string;
  name: string;
  kind: string;
  start: number;
  duration: number;
  status: string;
  attributes: Record<string, unknown>;
}

export interface TraceSummary {
  trace_id: string;
  service: string;
  name: string;
  start: number;
  duration: number;
  span_count: number;
  error_count: number;
  services: string[];
}

export interface LogRecord {
  timestamp: number;
  service_name: string;
  severity: string;
  body: string;
  attributes: Record<string, unknown>;
  trace_id: string | null;
  span_id: string | null;
}
