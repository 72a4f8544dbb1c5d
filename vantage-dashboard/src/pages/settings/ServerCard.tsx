import { useQuery } from '@tanstack/react-query';
import type { ReactNode } from 'react';
import { answer, http } from '../../api/client';
import type { Api } from '../../api/types';
import { useHud } from '../../app/context';
import { inertText } from '../../stream/logs';
import type { LinkState } from '../../stream/socket';
import { Card } from '../../ui/Page';
import { Answer, Loading } from '../../ui/states';
import { StatusMark } from '../../ui/StatusMark';

const RENEW_MS = 10_000;
const NAMES: Record<string, string> = { store: 'Store', bus: 'Bus', live: 'Live view', alerts: 'Alerts' };

const LINKS: Record<LinkState, ReactNode> = {
  live: <StatusMark glyph="●" tone="healthy">Live</StatusMark>,
  stale: <StatusMark glyph="▲" tone="degraded">Nothing has come for a while</StatusMark>,
  connecting: <StatusMark glyph="○" tone="unknown">Connecting</StatusMark>,
  offline: <StatusMark glyph="◆" tone="unhealthy">Away; it is tried again by itself</StatusMark>,
};

export function ServerCard() {
  const health = useQuery({
    queryKey: ['server health'],
    queryFn: ({ signal }) => answer(http.GET('/health', { signal })),
    refetchInterval: RENEW_MS,
  });
  const link = useHud(({ link: state }) => state);
  return (
    <Card title="Server">
      <Answer of={health} loading={<Loading lines={4} />}>{(data) => <Health health={data} link={link} />}</Answer>
      <ul className="settings-links">
        <li><a href="/openapi.json" target="_blank" rel="noreferrer">The API's document (OpenAPI)</a></li>
        <li><a href="/health" target="_blank" rel="noreferrer">Health as JSON</a></li>
      </ul>
    </Card>
  );
}

function Health({ health, link }: { health: Api<'HealthBody'>; link: LinkState }) {
  return (
    <dl className="settings-facts" data-testid="server">
      <div><dt>Version</dt><dd className="num">{health.version}</dd></div>
      <div><dt>State</dt><dd>{health.status === 'ok' ? <StatusMark glyph="●" tone="healthy">All is well</StatusMark> : <StatusMark glyph="▲" tone="degraded">Something is away</StatusMark>}</dd></div>
      {Object.entries(health.dependencies).map(([name, { status, detail }]) => (
        <div key={name}>
          <dt>{NAMES[name] ?? inertText(name)}</dt>
          <dd>
            {status === 'ok' ? <StatusMark glyph="●" tone="healthy">Up</StatusMark> : <StatusMark glyph="◆" tone="unhealthy">Down</StatusMark>}
            {detail && <span className="soft"> {inertText(detail)}</span>}
          </dd>
        </div>
      ))}
      <div><dt>Live connection</dt><dd>{LINKS[link]}</dd></div>
    </dl>
  );
}
