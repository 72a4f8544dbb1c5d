import { useQuery } from '@tanstack/react-query';
import { answer, http } from '../api/client';

/** All services as the API lists them; pages share the answer. */
export function useServices() {
  return useQuery({
    queryKey: ['services'],
    queryFn: ({ signal }) => answer(http.GET('/api/services', { params: { query: { limit: 1000 } }, signal })),
    refetchInterval: 10_000,
  });
}
