import { useMemo, type ReactNode } from 'react';
import { Link } from 'react-router';
import type { Api } from '../../api/types';
import { useEnvironment, useLinkTo, useRange } from '../../app/address';
import { PageTools } from '../../app/PageTools';
import { bounds } from '../../app/range';
import { useServices } from '../../app/services';
import { inertText } from '../../stream/logs';
import { clockTime, duration, percent, rate } from '../../ui/format';
import { Card, Page } from '../../ui/Page';
import { ChartCard } from '../../ui/SeriesChartCard';
import { ZoomTools } from '../../ui/SeriesChartTools';
import { Answer, Loading } from '../../ui/states';
import { HealthCard } from './HealthCard';
import { useCurves, useHealthHistory, useService, useVersions, type Asked } from './questions';
import { releases, versionsOf, type Version } from './steps';
import { CallTables, EndpointTable, ErrorLogs, Instances, TraceList, VersionTable } from './ServiceLists';
import { ago } from './serviceList';

export function ServiceDetail({ name }: { name: string }) {
  const [environment] = useEnvironment();
  const range = useRange();
  const linkTo = useLinkTo();
  const detail = useService(name, environment, range);
  const title = <><Link to={linkTo('/services')}>Services</Link><span className="soft" aria-hidden="true"> / </span><span className="clamp service-title">{inertText(name)}</span></>;
  return (
    <Page title={title} tools={<><ZoomTools span={() => bounds(range.range)} onZoom={(start, end) => range.set({ start, end })} /><PageTools /></>}>
      <Answer of={detail} loading={<Loading lines={10} />}>
        {(service) => <Detail service={service} at={detail.dataUpdatedAt} />}
      </Answer>
    </Page>
  );
}

function Detail({ service, at }: { service: Api<'ServiceDetail'>; at: number }) {
  const range = useRange();
  const asked = useMemo(() => ({ name: service.service_name, environment: service.environment }), [service.service_name, service.environment]);
  const versions = useVersions(asked, range);
  const known = useMemo(() => versionsOf(versions.data?.series ?? []), [versions.data]);
  return (
    <div className="service-detail">
      <Facts service={service} at={at} versions={known} />
      <Links of={asked} versions={known} />
      <div className="service-grid">
        <HealthCard of={asked} />
        <Charts of={asked} versions={known} />
      </div>
      <div className="cards">
        <EndpointTable endpoints={service.endpoints} of={asked} />
        <CallTables of={asked} />
      </div>
      <div className="cards">
        <TraceList of={asked} which="slowest" />
        <TraceList of={asked} which="failed" />
      </div>
      <ErrorLogs of={asked} />
      <div className="cards">
        <VersionTable of={asked} asked={versions} versions={known} />
        <Instances names={service.instances} />
      </div>
    </div>
  );
}

function Facts({ service, at, versions }: { service: Api<'ServiceDetail'>; at: number; versions: readonly Version[] }) {
  const facts: [string, ReactNode][] = [
    ['Requests', <>{rate(service.requests_per_second)}<small>/s</small></>],
    ['Errors', percent(service.error_ratio)],
    ['p95', duration(service.p95_ms)],
    ['Pods', service.pods],
    ['Version', <span className="mono">{inertText(service.version || versions[0]?.version || '–')}</span>],
    ['District', inertText(service.district || '–')],
    ['Last seen', <time dateTime={new Date(service.last_seen).toISOString()}>{ago(service.last_seen, at)}</time>],
    ['First seen', <time dateTime={new Date(service.first_seen).toISOString()}>{ago(service.first_seen, at)}</time>],
  ];
  return (
    <dl className="facts num">
      {facts.map(([name, value]) => <div key={name}><dt>{name}</dt><dd>{value}</dd></div>)}
    </dl>
  );
}

/** The same service elsewhere. */
function Links({ of: { name, environment }, versions }: { of: Asked; versions: readonly Version[] }) {
  const linkTo = useLinkTo();
  const [chosen] = useEnvironment();
  const { data } = useServices();
  const elsewhere = (data?.services ?? []).filter((each) => each.service_name === name && each.environment !== environment);
  const here: Record<string, string> = chosen === '' ? { service: name, env: environment } : { service: name };
  const [to, from] = versions;
  const compared: Record<string, string> = to && from ? { ...here, kind: 'versions', from: from.version, to: to.version } : { ...here, kind: 'windows' };
  return (
    <nav className="service-links" aria-label="This service elsewhere">
      <Link className="button" to={linkTo('/', { service: `${environment}/${name}` })}>In the city</Link>
      <Link className="button" to={linkTo('/traces', here)}>Traces</Link>
      <Link className="button" to={linkTo('/logs', here)}>Logs</Link>
      <Link className="button" to={linkTo('/metrics', here)}>Metrics</Link>
      <Link className="button" to={linkTo('/compare', compared)}>{to && from ? 'Compare versions' : 'Compare with before'}</Link>
      {elsewhere.length > 0 && <span className="soft">This is {inertText(environment)}. Also in</span>}
      {elsewhere.map((each) => <Link key={each.environment} to={`/services/${encodeURIComponent(name)}?env=${encodeURIComponent(each.environment)}`}>{inertText(each.environment)}</Link>)}
    </nav>
  );
}

const ratioAxis = (value: number): string => percent(value);

function Charts({ of, versions }: { of: Asked; versions: readonly Version[] }) {
  const range = useRange();
  const curves = useCurves(of, range);
  const history = useHealthHistory(of, range);
  const zoom = (start: number, end: number) => range.set({ start: Math.round(start), end: Math.round(end) });
  const moments = useMemo(() => releases(versions), [versions]);
  const past = useMemo(() => {
    const points = history.data?.points ?? [];
    return {
      errors: [{ key: 'errors', name: 'failed requests', points: points.map(({ timestamp, error_ratio }) => [timestamp, error_ratio] as const) }],
      health: [{ key: 'health', name: 'health score', points: points.map(({ timestamp, health_score }) => [timestamp, health_score] as const) }],
    };
  }, [history.data]);
  return (
    <>
      <Answer of={curves} loading={<Card title="Requests"><Loading lines={5} /></Card>}>
        {({ start, end, requests }) => <ChartCard title="Requests a second" series={requests} kind="area" format={rate} start={start} end={end} onZoom={zoom} syncId="service" moments={moments} />}
      </Answer>
      <Answer of={curves} loading={<Card title="Duration"><Loading lines={5} /></Card>}>
        {({ start, end, durations }) => <ChartCard title="Duration" series={durations} format={duration} start={start} end={end} onZoom={zoom} syncId="service" moments={moments} />}
      </Answer>
      <Answer of={history} loading={<Card title="Errors"><Loading lines={5} /></Card>}>
        {({ start, end, step_s }) => <ChartCard title="Errors" series={past.errors} kind="area" format={ratioAxis} start={start} end={end} onZoom={zoom} syncId="history" note={<p className="chart-note soft">Share of failed requests, by steps of {step_s < 3600 ? `${step_s / 60} min` : `${step_s / 3600} h`}.</p>} />}
      </Answer>
      <Answer of={history} loading={<Card title="Health"><Loading lines={5} /></Card>}>
        {({ start, end, source }) => <ChartCard title="Health" series={past.health} format={(value) => String(Math.round(value))} start={start} end={end} onZoom={zoom} syncId="history" limit={{ value: 80, label: 'healthy from 80' }} note={<p className="chart-note soft">Computed from {source}, until {clockTime(end, false)}. A gap: no requests.</p>} />}
      </Answer>
    </>
  );
}
