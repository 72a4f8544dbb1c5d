import type { ReactNode } from 'react';
import { Link } from 'react-router';
import type { FleetStatus } from '../stream/messages';
import type { LinkState } from '../stream/socket';
import { duration, percent, rate } from '../ui/format';
import { StatusMark } from '../ui/StatusMark';
import type { StatusCode } from '../world/model';
import { STATUS_BY_SEVERITY, statusLook } from '../world/status';
import { statusOfScore, type StatusCounts } from '../world/summary';
import './hud.css';

export interface HudBarProps {
  link: LinkState;
  fleet: HudFleet | null;
  serviceCount: number;
  counts: StatusCounts;
  /** The figures are of a past moment. */
  isPast?: boolean;
  /** Where each figure is told more of. */
  links: HudLinks;
  children?: ReactNode;
}

/** In the past, what is not stored is null. */
export type HudFleet = Pick<FleetStatus, 'requests_per_second' | 'health' | 'ingest_lag_ms' | 'alerts_firing'> & { error_ratio: number | null };

export interface HudLinks {
  health: string;
  services: string;
  ofStatus: (status: StatusCode) => string;
  requests: string;
  errors: string;
  lag: string;
  alarms: string;
}

const LINK_WORDS: Record<LinkState, string> = { connecting: 'Connecting', live: 'Live', stale: 'Stale', offline: 'Offline' };

/** Error share from which the number itself raises its voice. */
const ERRORS_LOUD = 0.05;
const ERRORS_NOTED = 0.01;
const LAG_NOTED_MS = 5000;

export function HudBar({ link, fleet, serviceCount, counts, links, isPast = false, children }: HudBarProps) {
  const errors = fleet?.error_ratio ?? null;
  const lag = fleet?.ingest_lag_ms ?? null;
  const alarms = fleet?.alerts_firing ?? null;
  return (
    <header className="hud" data-covers>
      <div className="hud-brand">
        <h1 className="wordmark">VANTAGE</h1>
        <span className={`link link-${link}`} data-testid="connection" data-state={link} role="status">
          <span className="link-dot" aria-hidden="true" />
          {isPast ? 'Past' : LINK_WORDS[link]}
        </span>
      </div>
      <dl className="hud-figures" data-stale={(link !== 'live' && !isPast) || undefined}>
        <Health score={fleet?.health ?? null} to={links.health} />
        <Services total={serviceCount} counts={counts} links={links} />
        <Figure id="hud-rps" label="Requests" value={rate(fleet?.requests_per_second)} unit="/s" to={links.requests} />
        <Figure id="hud-errors" label="Errors" value={percent(errors)} tone={tone(errors, ERRORS_NOTED, ERRORS_LOUD)} to={links.errors} />
        {lag !== null && <Figure id="hud-lag" label="Ingest lag" value={duration(lag)} tone={tone(lag, LAG_NOTED_MS, LAG_NOTED_MS * 6)} to={links.lag} />}
        {alarms !== null && <Figure id="hud-alarms" label="Alarms" value={String(alarms)} tone={tone(alarms, 1, 1)} to={links.alarms} />}
      </dl>
      <div className="hud-tools">{children}</div>
    </header>
  );
}

function tone(value: number | null, noted: number, loud: number): string {
  if (value === null || value < noted) return '';
  return value >= loud ? 'tone-unhealthy' : 'tone-degraded';
}

function Health({ score, to }: { score: number | null; to: string }) {
  const look = statusLook(statusOfScore(score));
  return (
    <div className="figure figure-health" data-testid="hud-health">
      <dt>Health</dt>
      <dd className="num">
        <Link to={to}>
          <span className={`figure-value tone-${look.tone}`}>{score ?? '–'}</span>
          <span className={`figure-word tone-${look.tone}`}>{look.word}</span>
        </Link>
      </dd>
    </div>
  );
}

function Services({ total, counts, links }: { total: number; counts: StatusCounts; links: HudLinks }) {
  return (
    <div className="figure" data-testid="hud-services">
      <dt>Services</dt>
      <dd className="num">
        <Link to={links.services} className="figure-value">{total}</Link>
        <span className="figure-states">
          {STATUS_BY_SEVERITY.filter((status) => counts[status] > 0).map((status) => {
            const { glyph, tone: color, word } = statusLook(status);
            return (
              <Link key={status} to={links.ofStatus(status)} title={word}>
                <StatusMark glyph={glyph} tone={color}>{counts[status]}</StatusMark>
                <span className="visually-hidden"> {word}</span>
              </Link>
            );
          })}
        </span>
      </dd>
    </div>
  );
}

function Figure({ id, label, value, unit, to, tone: color = '' }: { id: string; label: string; value: string; unit?: string; to: string; tone?: string }) {
  return (
    <div className="figure" data-testid={id}>
      <dt>{label}</dt>
      <dd className="num">
        <Link to={to}>
          <span className={`figure-value ${color}`}>{value}</span>
          {unit && <span className="figure-unit">{unit}</span>}
        </Link>
      </dd>
    </div>
  );
}
