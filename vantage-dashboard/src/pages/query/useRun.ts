import { useQuery, useQueryClient } from '@tanstack/react-query';
import { useCallback, useRef } from 'react';
import { answer, ApiError, http } from '../../api/client';
import type { Api } from '../../api/types';
import { comingBack } from '../../app/queries';
import { remember } from './history/kept';

/** The answer to a query that was run. `run` asks again; `anew` never takes an answer that the API kept. */
export function useRun(query: string) {
  const queries = useQueryClient();
  const isAnew = useRef(false);
  const asked = useQuery<Api<'VqlResult'>>({
    queryKey: ['vql', 'run', query],
    enabled: query !== '',
    // An answer is of the moment it was asked for: it is renewed by asking again.
    staleTime: Infinity,
    refetchInterval: ({ state }) => (state.error instanceof ApiError ? false : comingBack(false)({ state })),
    queryFn: async ({ signal }) => {
      const header = isAnew.current ? { 'cache-control': 'no-cache' } : {};
      isAnew.current = false;
      const result = await answer(http.POST('/vql/execute', { body: { query }, params: { header }, signal }));
      remember({ query, at: Date.now(), rows: result.row_count, elapsedMs: result.elapsed_ms });
      return result;
    },
  });
  const { refetch } = asked;
  const run = useCallback(() => void refetch(), [refetch]);
  const anew = useCallback(() => {
    isAnew.current = true;
    void refetch();
  }, [refetch]);
  // The API stops a query whose client has gone.
  const cancel = useCallback(() => void queries.cancelQueries({ queryKey: ['vql', 'run', query] }), [queries, query]);
  return { asked, run, anew, cancel };
}
