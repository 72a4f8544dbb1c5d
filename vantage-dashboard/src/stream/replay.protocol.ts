import type { RecordedMoment, RecordedPage } from '../world/recording';

/** What the page and the replay worker say to each other. */

export type Wanted = { kind: 'moment'; at: number } | { kind: 'replay'; start: number; end: number; stepMs: number };

export interface ToReplay {
  id: number;
  origin: string;
  apiKey: string | null;
  wanted: Wanted;
}

export type Brought = { pages: RecordedPage[] } | { moment: RecordedMoment } | { failed: string; status: number };

export type FromReplay = { id: number } & Brought;
