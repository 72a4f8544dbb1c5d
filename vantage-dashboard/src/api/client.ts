import createClient from 'openapi-fetch';
import { apiKey, keyRefused } from './apiKey';
import type { paths } from './schema';
import type { Api } from './types';

/** The query API over HTTP, typed by its own OpenAPI document; one error type. */

export class ApiError extends Error {
  constructor(
    readonly status: number,
    message: string,
    readonly code: string | null = null,
    readonly hint: string | null = null,
    /** Index of the character in a query that the error is about. */
    readonly position: number | null = null,
    /** What is wrong with which field of a body, such as `body.condition.fixed.threshold`. */
    readonly details: readonly Api<'ErrorDetail'>[] = [],
  ) {
    super(message);
    this.name = 'ApiError';
  }
}

/** `http.GET('/api/services', { params: { query: {…} }, signal })`; give it to `answer` for what came, or an ApiError. */
export const http = createClient<paths>({ baseUrl: typeof window === 'undefined' ? '' : window.location.origin, fetch: (request) => fetch(request) });

http.use({
  onRequest({ request }) {
    const { key } = apiKey.getState();
    if (key !== null) request.headers.set('X-API-Key', key);
    return request;
  },
  async onResponse({ request, response }) {
    if (response.status === 401 || (await isUnfitToRead(response))) keyRefused(request.headers.get('X-API-Key'));
  },
});

/** A key of too low a role is a good key: only what was asked for is refused. One without the scope reads nothing. */
async function isUnfitToRead(response: Response): Promise<boolean> {
  if (response.status !== 403) return false;
  const body = (await response.clone().json().catch(() => null)) as Partial<Api<'ErrorBody'>> | null;
  return body?.error?.code === 'wrong_scope';
}

interface Answered<T> {
  data?: T;
  error?: unknown;
  response: Response;
}

/** What the API answered. Throws ApiError for a refusal, and as the browser does when nothing answers. */
export async function answer<T>(call: Promise<Answered<T>>): Promise<T> {
  const { data, error, response } = await call;
  if (!response.ok) throw toError(response, error);
  return data as T;
}

function toError(response: Response, body: unknown): ApiError {
  // What stands between us and the API (a proxy) answers in its own shape.
  const refusal = typeof body === 'object' && body !== null ? (body as Partial<Api<'ErrorBody'>>).error : undefined;
  const fallback = `The API answered ${response.status} ${response.statusText}`.trim();
  return new ApiError(response.status, refusal?.message ?? fallback, refusal?.code, refusal?.hint, refusal?.position, refusal?.details ?? []);
}
