import { lazy, type ComponentType, type LazyExoticComponent } from 'react';
import { Bell, Building2, Activity, ChartLine, GitCompareArrows, LayoutDashboard, ScrollText, Server, Settings, SquareTerminal, type LucideIcon } from 'lucide-react';

/** Every page: where it is, what it is called, and how it is loaded. */
export interface PageRoute {
  path: string;
  /** Further paths of the same page, with what their address names. */
  also?: string[];
  name: string;
  icon: LucideIcon;
  /** Among the few that a phone's bar has room for. */
  first?: boolean;
  Page: LazyExoticComponent<ComponentType>;
}

export const ROUTES: readonly PageRoute[] = [
  { path: '/', name: 'City', icon: Building2, first: true, Page: lazy(() => import('../pages/CityPage')) },
  { path: '/services', also: ['/services/:service'], name: 'Services', icon: Server, first: true, Page: lazy(() => import('../pages/services/ServicesPage')) },
  { path: '/metrics', name: 'Metrics', icon: ChartLine, Page: lazy(() => import('../pages/metrics/MetricsPage')) },
  { path: '/alerts', name: 'Alerts', icon: Bell, first: true, Page: lazy(() => import('../pages/alerts/AlertsPage')) },
  { path: '/traces', also: ['/traces/:traceId'], name: 'Traces', icon: Activity, first: true, Page: lazy(() => import('../pages/traces/TracesPage')) },
  { path: '/logs', name: 'Logs', icon: ScrollText, Page: lazy(() => import('../pages/logs/LogsPage')) },
  { path: '/query', name: 'Query', icon: SquareTerminal, Page: lazy(() => import('../pages/query/QueryPage')) },
  { path: '/compare', name: 'Compare', icon: GitCompareArrows, Page: lazy(() => import('../pages/compare/ComparePage')) },
  { path: '/dashboards', also: ['/dashboards/:dashboard'], name: 'Dashboards', icon: LayoutDashboard, Page: lazy(() => import('../pages/dashboards/DashboardsPage')) },
  { path: '/settings', name: 'Settings', icon: Settings, Page: lazy(() => import('../pages/settings/SettingsPage')) },
];
