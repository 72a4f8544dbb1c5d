import { useState } from 'react';
import { Link } from 'react-router';
import { useEnvironment, useLinkTo } from '../../app/address';
import { useServices } from '../../app/services';
import { inertText, type LogLine } from '../../stream/logs';
import { Button } from '../../ui/Button';

const AROUND_MS = 30_000;

/** All of one line, and where to go on from it. */
export function LineDetails({ line }: { line: LogLine }) {
  const linkTo = useLinkTo();
  const attributes = Object.entries(line.attributes).sort(([a], [b]) => a.localeCompare(b));
  return (
    <div className="line-details">
      <p className="line-body">{inertLines(line.body)}</p>
      <p className="line-links">
        {line.trace_id && <Link to={linkTo(`/traces/${encodeURIComponent(line.trace_id)}`, line.span_id ? { span: line.span_id } : {})}>Trace</Link>}
        {line.trace_id && <Link to={linkTo('/logs', { trace: line.trace_id })}>Lines of the trace</Link>}
        <Link to={linkTo(`/services/${encodeURIComponent(line.service_name)}`)}>Service</Link>
        <CityLinks service={line.service_name} />
        <Link to={linkTo('/logs', { service: line.service_name, start: String(line.timestamp - AROUND_MS), end: String(line.timestamp + AROUND_MS) })}>Its lines around this one</Link>
        <CopyButton text={copyText(line)} />
      </p>
      <dl className="line-attributes">
        <div><dt className="soft">time</dt><dd>{isoTime(line.timestamp)}</dd></div>
        <div><dt className="soft">service</dt><dd>{inertText(line.service_name)}</dd></div>
        <div><dt className="soft">severity</dt><dd>{inertText(line.severity)}</dd></div>
        {line.trace_id && <div><dt className="soft">trace_id</dt><dd>{inertText(line.trace_id)}</dd></div>}
        {line.span_id && <div><dt className="soft">span_id</dt><dd>{inertText(line.span_id)}</dd></div>}
        {attributes.map(([key, value]) => <div key={key}><dt className="soft">{inertText(key)}</dt><dd>{inertLines(String(value))}</dd></div>)}
      </dl>
    </div>
  );
}

/** A stored line does not say where it ran; the services of that name do. */
function CityLinks({ service }: { service: string }) {
  const [environment] = useEnvironment();
  const { data } = useServices();
  const known = (data?.services ?? []).filter((each) => each.service_name === service && (environment === '' || each.environment === environment));
  return known.map((each) => <Link key={each.environment} to={`/?${new URLSearchParams({ service: `${each.environment}/${service}` })}`}>{known.length > 1 ? `City, ${each.environment}` : 'City'}</Link>);
}

function CopyButton({ text }: { text: string }) {
  const [outcome, setOutcome] = useState('');
  const copy = async () => {
    try {
      await navigator.clipboard.writeText(text);
      setOutcome('Copied');
    } catch {
      // A page without TLS has no clipboard, and a person may refuse.
      setOutcome('The browser does not allow it');
    }
  };
  return <><Button onClick={() => void copy()}>Copy</Button><span role="status" className="soft">{outcome}</span></>;
}

/** Line breaks stay, everything else that a terminal would obey goes. */
const inertLines = (text: string): string => text.split(/\r?\n/).map(inertText).join('\n');

const copyText = (line: LogLine): string => `${isoTime(line.timestamp)} ${inertText(line.severity)} ${inertText(line.service_name)} ${inertLines(line.body)}${line.trace_id ? ` trace_id=${inertText(line.trace_id)}` : ''}`;

function isoTime(epochMs: number): string {
  const time = new Date(epochMs);
  return Number.isNaN(time.getTime()) ? String(epochMs) : time.toISOString();
}
