import type { HealthScore, LogRecord, ServiceDetail, Span, TimeSeries, TraceSummary } from './types';

/** The query API over HTTP: one function a call, one error type. */

export class ApiError extends Error {
  constructor(
    readonly status: number,
    message: string,
    readonly hint: string | null = null,
  ) {
    super(message);
    this.name = 'ApiError';
  }
}

const KEY = 'vantage.apiKey';

/** Only servers with configured keys ask for one; it is kept for the tab's session. */
export function storedApiKey(): string | null {
  return sessionStorage.getItem(KEY);
}

export function storeApiKey(key: string): void {
  sessionStorage.setItem(KEY, key);
}

type Parameters = Record<string, string | number | undefined>;

async function get<T>(path: string, parameters: Parameters, signal: AbortSignal): Promise<T> {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(parameters)) if (value !== undefined) query.set(name, String(value));
  const key = storedApiKey();
  const response = await fetch(query.size > 0 ? `${path}?${query}` : path, { signal, headers: key ? { 'X-API-Key': key } : {} });
  if (!response.ok) throw await toError(response);
  return (await response.json()) as T;
}

async function toError(response: Response): Promise<ApiError> {
  const fallback = `The API answered ${response.status} ${response.statusText}`.trim();
  const body = (await response.json().catch(() => null)) as { error?: { message?: string; hint?: string } } | null;
  return new ApiError(response.status, body?.error?.message ?? fallback, body?.error?.hint ?? null);
}

const segment = encodeURIComponent;

export const api = {
  service: (service: string, signal: AbortSignal) => get<ServiceDetail>(`/api/services/${segment(service)}`, {}, signal),

  timeseries: (parameters: { service: string; metric: string; agg: string; start: number; end: number; step: number }, signal: AbortSignal) =>
    get<TimeSeries>('/api/metrics/timeseries', parameters, signal),

  healthScore: (service: string, signal: AbortSignal) => get<HealthScore>(`/health/score/${segment(service)}`, {}, signal),

  trace: (traceId: string, signal: AbortSignal) => get<Span[]>('/traces/', { trace_id: traceId }, signal),

  searchTraces: async (parameters: { service?: string; status?: string; limit?: number }, signal: AbortSignal) =>
    (await get<{ traces: TraceSummary[] }>('/traces/search', parameters, signal)).traces,

  /** Newest first. */
  logs: async (parameters: { service?: string; severity?: string; text?: string; limit?: number }, signal: AbortSignal) =>
    (await get<{ logs: LogRecord[] }>('/api/logs', parameters, signal)).logs,
};
