import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { Link } from 'react-router';
import { answer, http } from '../../api/client';
import { useLinkTo } from '../../app/address';
import { useServices } from '../../app/services';
import { inertText } from '../../stream/logs';
import { Button } from '../../ui/Button';
import { Card } from '../../ui/Page';
import { Answer, Loading } from '../../ui/states';
import { ResolveDialog, SilenceAlertDialog } from './AlertDialogs';
import { FigureChart } from './FigureChart';
import { figureFormat, ruleWords, type Rule } from './figures';
import { useAge } from './live';
import { happeningLook, severityLook, stateLook } from './looks';
import { Mark, Moment, Refusal, Wording } from './parts';
import { ALERTS, useAlertChange, useSilences, type Alert } from './queries';

const BEFORE_MS = 30 * 60_000;
const LONGEST_MS = 24 * 3_600_000;
const CHART_EVERY_MS = 15_000;

/** One alert: what it is about, what it looks like, and what can be done. */
export function AlertDetail({ alert, rule }: { alert: Alert; rule: Rule | null }) {
  return (
    <Card className="alerts-detail">
      <header>
        <p className="alerts-detail-state">
          <Mark look={stateLook(alert)} />
          {alert.state !== 'firing' && <Mark look={severityLook(alert.severity)} />}
          <SilencedNote alert={alert} />
        </p>
        <h2><Wording>{alert.rule_name}</Wording></h2>
        {rule && <p className="soft">{ruleWords(rule)}</p>}
        <ServiceLinks alert={alert} rule={rule} />
      </header>
      <Actions alert={alert} />
      <Facts alert={alert} rule={rule} />
      {rule && <AroundChart alert={alert} rule={rule} />}
      <Runbook text={alert.runbook} />
      <Timeline alert={alert} rule={rule} />
    </Card>
  );
}

/** From half an hour before it began; of a long one, the last day. */
function AroundChart({ alert, rule }: { alert: Alert; rule: Rule }) {
  const [opened] = useState(() => Date.now());
  const lengthMs = Math.min(LONGEST_MS, Math.max(0, opened - alert.started) + BEFORE_MS);
  return (
    <FigureChart
      rule={rule}
      service={alert.service_name}
      lengthMs={lengthMs}
      threshold={alert.threshold}
      expected={alert.expected}
      spans={[{ start: alert.fired ?? alert.started, end: alert.ended }]}
      refetchInterval={CHART_EVERY_MS}
    />
  );
}

function ServiceLinks({ alert, rule }: { alert: Alert; rule: Rule | null }) {
  const linkTo = useLinkTo();
  const { data } = useServices();
  const places = (data?.services ?? []).filter((each) => each.service_name === alert.service_name && (!rule?.environment || each.environment === rule.environment));
  const around = { service: alert.service_name, start: String(alert.started - BEFORE_MS), end: String(alert.ended ?? alert.changed + BEFORE_MS) };
  const failed = new URLSearchParams({ ...around, status: 'error' }), lines = new URLSearchParams(around);
  return (
    <ul className="alerts-links">
      <li><Link to={linkTo(`/services/${encodeURIComponent(alert.service_name)}`)}><Wording>{alert.service_name}</Wording></Link></li>
      {places.map(({ environment }) => (
        <li key={environment}><Link to={`/?${new URLSearchParams({ service: `${environment}/${alert.service_name}` })}`}>{places.length > 1 ? `In the city (${inertText(environment)})` : 'In the city'}</Link></li>
      ))}
      <li><Link to={`/traces?${failed}`}>Failed traces</Link></li>
      <li><Link to={`/logs?${lines}`}>Logs</Link></li>
    </ul>
  );
}

function SilencedNote({ alert }: { alert: Alert }) {
  const linkTo = useLinkTo();
  const { data } = useSilences();
  if (alert.silenced_by === null) return null;
  const silence = data?.silences.find(({ id }) => id === alert.silenced_by);
  return (
    <span className="soft">
      <span aria-hidden="true">⊘ </span>
      <Link to={linkTo('/alerts', { tab: 'silences' })}>Silenced</Link>
      {silence && <> until <Moment at={silence.end} /></>}
    </span>
  );
}

function Actions({ alert }: { alert: Alert }) {
  const [asks, setAsks] = useState<'resolve' | 'silence' | null>(null);
  const acknowledge = useAlertChange<{ alert: Alert }>(
    ({ alert: { id } }) => answer(http.POST('/api/alerts/{id}/acknowledge', { params: { path: { id } } })),
    (before) => ({ ...before, state: 'acknowledged' }),
  );
  const isUp = alert.state !== 'pending';
  return (
    <>
      <div className="alerts-actions">
        {alert.state === 'firing' && <Button className="primary" onClick={() => acknowledge.mutate({ alert })}>Acknowledge</Button>}
        {isUp && <Button onClick={() => setAsks('resolve')}>Resolve…</Button>}
        <Button onClick={() => setAsks('silence')}>Silence…</Button>
        {acknowledge.isPending && <span className="soft" role="status">Saving…</span>}
        {alert.state === 'acknowledged' && alert.by !== '' && <span className="soft">by <Wording>{alert.by}</Wording></span>}
        {!isUp && <span className="soft">It has not fired yet: the condition has to hold first.</span>}
      </div>
      <Refusal error={acknowledge.error} />
      {alert.comment !== '' && <p className="alerts-comment"><Wording>{alert.comment}</Wording></p>}
      {asks === 'resolve' && <ResolveDialog alert={alert} onClose={() => setAsks(null)} />}
      {asks === 'silence' && <SilenceAlertDialog alert={alert} onClose={() => setAsks(null)} />}
    </>
  );
}

function Facts({ alert, rule }: { alert: Alert; rule: Rule | null }) {
  const age = useAge();
  const format = figureFormat(rule);
  return (
    <dl className="alerts-facts num">
      <div><dt>Value</dt><dd className={`tone-${severityLook(alert.severity).tone}`}>{format(alert.value)}</dd></div>
      <div><dt>Limit</dt><dd>{format(alert.threshold)}</dd></div>
      {alert.expected !== null && <div><dt>Normal</dt><dd>{format(alert.expected)}</dd></div>}
      <div><dt>Condition met for</dt><dd>{age(alert.started)}</dd></div>
      {alert.fired !== null && <div><dt>Fired</dt><dd><Moment at={alert.fired} /></dd></div>}
      {Object.entries(alert.labels).map(([name, value]) => <div key={name}><dt><Wording>{name}</Wording></dt><dd><Wording>{value}</Wording></dd></div>)}
    </dl>
  );
}

const ADDRESS = /^https?:\/\/\S+$/;

function Runbook({ text }: { text: string }) {
  if (text.trim() === '') return null;
  return (
    <section>
      <h3>What to do</h3>
      {ADDRESS.test(text.trim()) ? <p><a href={text.trim()} rel="noreferrer noopener" target="_blank"><Wording>{text.trim()}</Wording></a></p> : <div className="alerts-runbook">{text.split('\n').map((line, i) => <p key={i}>{inertText(line)}</p>)}</div>}
    </section>
  );
}

const TIMELINE_ENTRIES = 30;

function Timeline({ alert, rule }: { alert: Alert; rule: Rule | null }) {
  const linkTo = useLinkTo();
  const format = figureFormat(rule);
  const asked = useQuery({
    queryKey: [ALERTS, 'history of', alert.id],
    queryFn: ({ signal }) => answer(http.GET('/api/alerts/history', { params: { query: { alert: alert.id, start: String(alert.started - LONGEST_MS), limit: TIMELINE_ENTRIES } }, signal })),
  });
  return (
    <section>
      <h3>What has happened</h3>
      <Answer of={asked} loading={<Loading lines={3} />}>
        {({ events }) => (
          <ol className="alerts-timeline">
            {events.map((event) => (
              <li key={`${event.at} ${event.happening}`}>
                <Moment at={event.at} />
                <Mark look={happeningLook(event.happening, event.severity)} />
                <span className="num">{format(event.value)}</span>
                <span className="soft"><Wording>{[event.author === 'vantage' ? '' : event.author, event.comment].filter((text) => text !== '').join(': ')}</Wording></span>
              </li>
            ))}
          </ol>
        )}
      </Answer>
      <p><Link to={linkTo('/alerts', { tab: 'history', alert: alert.id })}>All of its history</Link></p>
    </section>
  );
}
