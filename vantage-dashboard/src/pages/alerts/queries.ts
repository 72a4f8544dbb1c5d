import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { answer, http } from '../../api/client';
import type { Api } from '../../api/types';

/** What the tabs ask the API about alerts. All of it is under one key: whatever happens to an alert renews it. */

export const ALERTS = 'alerts';
const RENEW_MS = 15_000;
const MOST = 1000;

export type Alert = Api<'AlertView'>;
export type ActiveAlerts = Api<'ActiveAlerts'>;
export const ACTIVE_KEY = [ALERTS, 'active'] as const;

export const useActive = () =>
  useQuery({
    queryKey: ACTIVE_KEY,
    queryFn: ({ signal }) => answer(http.GET('/api/alerts/active', { params: { query: { limit: MOST } }, signal })),
    refetchInterval: RENEW_MS,
  });

export const useRules = () =>
  useQuery({
    queryKey: [ALERTS, 'rules'],
    queryFn: ({ signal }) => answer(http.GET('/api/alerts/rules', { params: { query: { limit: MOST } }, signal })),
    refetchInterval: RENEW_MS,
  });

export const useSilences = () =>
  useQuery({
    queryKey: [ALERTS, 'silences'],
    queryFn: ({ signal }) => answer(http.GET('/api/alerts/silences', { params: { query: { limit: MOST } }, signal })),
    refetchInterval: RENEW_MS,
  });

export const useChannels = () =>
  useQuery({
    queryKey: [ALERTS, 'channels'],
    queryFn: ({ signal }) => answer(http.GET('/api/alerts/channels', { signal })),
    refetchInterval: RENEW_MS,
  });

/** A change of anything here; afterwards everything here is asked anew. */
export function useChange<Input, Output>(change: (input: Input) => Promise<Output>, onDone?: (output: Output) => void) {
  const queries = useQueryClient();
  return useMutation({
    mutationFn: change,
    onSuccess: (output) => onDone?.(output),
    onSettled: () => queries.invalidateQueries({ queryKey: [ALERTS] }),
  });
}

/** A change of an alert that is shown as done before the API has said so; taken back when it says no. */
export function useAlertChange<Input extends { alert: Alert }>(change: (input: Input) => Promise<unknown>, outcome: (alert: Alert) => Alert) {
  const queries = useQueryClient();
  return useMutation({
    mutationFn: change,
    onMutate: async ({ alert }) => {
      await queries.cancelQueries({ queryKey: ACTIVE_KEY });
      const before = queries.getQueryData<ActiveAlerts>(ACTIVE_KEY);
      if (before) queries.setQueryData<ActiveAlerts>(ACTIVE_KEY, { ...before, alerts: before.alerts.map((each) => (each.id === alert.id ? outcome(each) : each)) });
      return { before };
    },
    onError: (_error, _input, context) => {
      if (context?.before) queries.setQueryData(ACTIVE_KEY, context.before);
    },
    onSettled: () => queries.invalidateQueries({ queryKey: [ALERTS] }),
  });
}
