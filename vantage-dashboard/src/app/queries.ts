import { QueryClient } from '@tanstack/react-query';
import { ApiError } from '../api/client';

const MAX_RETRIES = 2;

/** How every page asks. */
export function createQueries(): QueryClient {
  return new QueryClient({
    defaultOptions: {
      queries: {
        staleTime: 2000,
        // What the server refused it will refuse again.
        retry: (failures, error) => failures < MAX_RETRIES && !(error instanceof ApiError && error.status < 500),
        refetchOnWindowFocus: false,
      },
    },
  });
}

const COME_BACK_MS = 5000;

/** For `refetchInterval`: as wanted, and every few seconds while there is no answer, so that a view comes back with the API. */
export function comingBack(everyMs: number | false): (query: { state: { error: Error | null } }) => number | false {
  return ({ state }) => (state.error === null ? everyMs : Math.min(everyMs || COME_BACK_MS, COME_BACK_MS));
}
