import type { HudLinks } from '../panels/HudBar';
import type { ServiceName } from '../api/types';
import { statusLook } from '../world/status';

/** Where the city leads to: the pages that tell more of a figure or a service. */

type LinkTo = (path: string, parameters?: Record<string, string>) => string;
const METRIC = 'http.request.duration';

export function hudLinks(linkTo: LinkTo): HudLinks {
  return {
    health: linkTo('/services', { sort: 'health' }),
    services: linkTo('/services'),
    ofStatus: (status) => linkTo('/services', { status: statusLook(status).word.toUpperCase() }),
    requests: linkTo('/metrics', { metric: METRIC, agg: 'per_second' }),
    errors: linkTo('/traces', { status: 'error' }),
    lag: linkTo('/query', { q: LAG_QUERY }),
    alarms: linkTo('/alerts'),
  };
}

/** When each service was heard of last. */
const LAG_QUERY = 'SELECT service_name, max(timestamp) AS last, count() FROM metrics SINCE 15 MINUTES GROUP BY service_name ORDER BY last';

export function serviceLinks({ name, environment }: ServiceName, linkTo: LinkTo): { name: string; to: string }[] {
  const here = { env: environment, service: name };
  return [
    { name: 'Service', to: linkTo(`/services/${encodeURIComponent(name)}`, { env: environment }) },
    { name: 'Metrics', to: linkTo('/metrics', here) },
    { name: 'Traces', to: linkTo('/traces', here) },
    { name: 'Logs', to: linkTo('/logs', here) },
    { name: 'Compare', to: linkTo('/compare', here) },
  ];
}
