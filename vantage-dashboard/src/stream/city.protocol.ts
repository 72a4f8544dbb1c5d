import type { Frame } from './frames';
import type { CityMessage } from './messages';
import type { LinkState } from './socket';

/** What the page and the city worker say to each other. */

export type ToWorker = { type: 'start'; url: string; apiKey: string | null } | { type: 'retry' };

export type FromWorker =
  | { type: 'state'; state: LinkState }
  /** `at`: local epoch ms of arrival, taken in the worker so that a busy page does not skew the clock. */
  | { type: 'frame'; frame: Frame; at: number; bytes: number }
  | { type: 'message'; message: CityMessage; at: number }
  | { type: 'incompatible'; reason: string }
  /** The server does not accept our key, or wants one. */
  | { type: 'refused' };
