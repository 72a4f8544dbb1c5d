import { apiKey, keyRefused } from './apiKey';
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

type Parameters = Record<string, string | number | undefined>;

async function get<T>(path: string, parameters: Parameters, signal: AbortSignal): Promise<T> {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(parameters)) if (value !== undefined) query.set(name, String(value));
  const { key } = apiKey.getState();
  const response = await fetch(query.size > 0 ? `${path}?${query}` : path, { signal, headers: key ? { 'X-API-Key': key } : {} });
  if (response.status === 401 || response.status === 403) keyRefused(key);
  if (!response.ok) throw await toError(response);
  return (await response.json()) as T;
}

async function toError(response: Response): Promise<ApiError> {
  const fallback = `The API answered ${response.status} ${response.statusText}`.trim();
  const body = (await response.json().catch(() => null)) as { error?: { message?: string; hint?: string } } | null;
  return new ApiError(response.status, body?.error?.message ?? fallback, body?.error?.hint ?? null);
}

/** A name alone may be taken in two environments. */
export interface ServiceName {
  name: string;
  environment: string;
}

const segment = encodeURIComponent;

export const api = {
  service: ({ name, environment }: ServiceName, signal: AbortSignal) => get<ServiceDetail>(`/api/services/${segment(name)}`, { environment }, signal),

  timeseries: (parameters: { service: string; environment: string; metric: string; agg: string; start: number; end: number; step: number }, signal: AbortSignal) =>
    get<TimeSeries>('/api/metrics/timeseries', parameters, signal),

  healthScore: ({ name, environment }: ServiceName, signal: AbortSignal) => get<HealthScore>(`/health/score/${segment(name)}`, { environment }, signal),

  trace: (traceId: string, signal: AbortSignal) => get<Span[]>('/traces/', { trace_id: traceId }, signal),

  searchTraces: async (parameters: { service?: string; environment?: string; status?: string; limit?: number }, signal: AbortSignal) =>
    (await get<{ traces: TraceSummary[] }>('/traces/search', parameters, signal)).traces,

  /** Newest first. */
  logs: async (parameters: { service?: string; severity?: string; text?: string; limit?: number }, signal: AbortSignal) =>
    (await get<{ logs: LogRecord[] }>('/api/logs', parameters, signal)).logs,
};
