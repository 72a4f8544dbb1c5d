import { keepPreviousData, useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { answer, ApiError, http } from '../../api/client';
import type { Api } from '../../api/types';
import { useRange } from '../../app/address';
import { comingBack } from '../../app/queries';
import type { Content, Panel } from './draft';
import { filled } from './fill';

/** Dashboards over the API. */

export type Dashboard = Api<'Dashboard'>;
export type PanelData = Api<'PanelData'>;

const LIST_KEY = ['dashboards'];
const oneKey = (id: string) => ['dashboard', id];
const MOST_ROWS = 2000;

export const useDashboards = () => useQuery({ queryKey: LIST_KEY, queryFn: ({ signal }) => answer(http.GET('/api/dashboards', { signal })), refetchInterval: comingBack(30_000) });

export function useDashboard(id: string) {
  return useQuery({ queryKey: oneKey(id), queryFn: ({ signal }) => answer(http.GET('/api/dashboards/{id}', { params: { path: { id } }, signal })), refetchInterval: comingBack(60_000) });
}

/** What the panels show over the page's range. */
export function useDashboardData({ id, version }: Dashboard, values: Record<string, string>) {
  const range = useRange();
  return useQuery({
    queryKey: ['dashboard-data', id, version, values, range.key],
    queryFn: ({ signal }) => answer(http.POST('/api/dashboards/{id}/data', { params: { path: { id }, query: range.query() }, body: { variables: values }, signal })),
    refetchInterval: comingBack(range.refetchInterval),
    // Each dashboard is a component of its own: what is kept is of this one.
    placeholderData: keepPreviousData,
  });
}

/** What a panel that is not saved would show. An error is about the panel's own text. */
export function usePreview(panel: Panel, values: Record<string, string>) {
  const range = useRange();
  return useQuery<PanelData>({
    queryKey: ['panel-preview', panel.query, values, range.key],
    enabled: panel.query.trim() !== '',
    queryFn: ({ signal }) => preview(panel, values, range.query(), signal),
    refetchInterval: range.refetchInterval,
  });
}

async function preview({ id, query }: Panel, values: Record<string, string>, { start, end }: { start: string; end: string }, signal: AbortSignal): Promise<PanelData> {
  const { text, original } = filled(query, values, Number(start), Number(end));
  try {
    const { columns, rows, elapsed_ms, source }: Api<'VqlResult'> = await answer(http.POST('/vql/execute', { body: { query: text }, signal }));
    const shown = rows.slice(0, MOST_ROWS);
    return { id, columns, rows: shown, row_count: shown.length, truncated: rows.length > shown.length, elapsed_ms, source };
  } catch (error) {
    if (!(error instanceof ApiError) || error.status >= 500) throw error;
    const position = error.position === null ? null : original(error.position);
    const failure = { code: error.code ?? 'refused', message: error.message, hint: error.hint, position };
    return { id, columns: [], rows: [], row_count: 0, truncated: false, elapsed_ms: 0, source: '', error: failure };
  }
}

/** Every change; the list and the dashboard are asked anew, or known from the answer. */
export function useChanges() {
  const queries = useQueryClient();
  const listChanged = () => void queries.invalidateQueries({ queryKey: LIST_KEY });
  const made = (dashboard: Dashboard) => {
    queries.setQueryData(oneKey(dashboard.id), dashboard);
    listChanged();
  };
  return {
    create: useMutation({ mutationFn: (content: Content) => answer(http.POST('/api/dashboards', { body: content })), onSuccess: made }),
    imported: useMutation({ mutationFn: (file: Api<'Export'>) => answer(http.POST('/api/dashboards/import', { body: file })), onSuccess: made }),
    duplicate: useMutation({ mutationFn: (id: string) => answer(http.POST('/api/dashboards/{id}/duplicate', { params: { path: { id } } })), onSuccess: made }),
    remove: useMutation({ mutationFn: (id: string) => answer(http.DELETE('/api/dashboards/{id}', { params: { path: { id } } })), onSuccess: listChanged }),
    save: useMutation({
      mutationFn: ({ id, version, content }: { id: string; version: number; content: Content }) =>
        answer(http.PATCH('/api/dashboards/{id}', { params: { path: { id }, header: { 'if-match': `"${version}"` } }, body: content })),
      onSuccess: made,
    }),
  };
}

export const exported = (id: string) => answer(http.GET('/api/dashboards/{id}/export', { params: { path: { id } } }));
