import { useQuery } from '@tanstack/react-query';
import { useMemo } from 'react';
import { answer, http } from '../../api/client';
import { useServices } from '../../app/services';
import type { Names } from './vql/completion';

/** What the platform knows by name, for completion; empty as long as it does not answer. */
export function useNames(): Names {
  const services = useServices().data?.services;
  const metrics = useQuery({
    queryKey: ['vql', 'metric-names'],
    queryFn: ({ signal }) => answer(http.GET('/api/metrics', { params: { query: { limit: 1000 } }, signal })),
    staleTime: 60_000,
  }).data?.metrics;
  return useMemo(
    () => ({
      metrics: distinct((metrics ?? []).map((metric) => metric.metric_name)),
      services: distinct((services ?? []).map((service) => service.service_name)),
      environments: distinct((services ?? []).map((service) => service.environment)),
      tagKeys: distinct((metrics ?? []).flatMap((metric) => metric.tag_keys)),
    }),
    [services, metrics],
  );
}

const distinct = (names: readonly string[]): string[] => [...new Set(names)].filter((name) => name !== '').sort();
