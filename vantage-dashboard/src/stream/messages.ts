import type { Hello, RegistryDelta } from '../world/model';

/** The text messages of /ws/city. */

export interface HelloMessage extends Hello {
  type: 'hello';
  schema: number;
  version: string;
  server_time: number;
  tick_hz: number;
}

export interface RegistryMessage extends RegistryDelta {
  type: 'registry';
}

export interface FleetStatus {
  server_time: number;
  ingest_lag_ms: number | null;
  requests_per_second: number;
  error_ratio: number;
  health: number | null;
  /** null while nothing evaluates alerts. */
  alerts_firing: number | null;
}

export interface StatusMessage extends FleetStatus {
  type: 'status';
}

export type CityMessage = HelloMessage | RegistryMessage | StatusMessage | { type: 'lagging' } | { type: 'unknown' };

/** A type this build does not know is passed over, so that a newer server may add some. */
export function parseCityMessage(text: string): CityMessage {
  const message: unknown = JSON.parse(text);
  if (typeof message !== 'object' || message === null || !('type' in message)) return { type: 'unknown' };
  switch (message.type) {
    case 'hello':
    case 'registry':
    case 'status':
    case 'lagging':
      return message as CityMessage;
    default:
      return { type: 'unknown' };
  }
}
