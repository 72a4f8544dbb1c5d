/** The messages of /ws/logs, and the bounded list they are kept in. */

export interface LogLine {
  timestamp: number;
  service_name: string;
  severity: string;
  body: string;
  attributes: Record<string, unknown>;
  trace_id: string | null;
  span_id: string | null;
}

export interface LogFilter {
  services?: string[];
  environments?: string[];
  severities?: string[];
  text?: string;
}

export interface LogBatch {
  lines: LogLine[];
  dropped: number;
}

/** A line with a number of its own: lists need a key, and two lines may be equal. */
export interface KeptLine extends LogLine {
  key: number;
}

export interface LogBuffer {
  lines: readonly KeptLine[];
  dropped: number;
  nextKey: number;
}

export const MAX_LINES = 1000;

export const EMPTY_BUFFER: LogBuffer = { lines: [], dropped: 0, nextKey: 0 };

export function parseLogMessage(text: string): LogBatch | null {
  const message = JSON.parse(text) as { type?: string; data?: LogLine[]; dropped?: number };
  return message.type === 'logs' && Array.isArray(message.data) ? { lines: message.data, dropped: message.dropped ?? 0 } : null;
}

/** Appends a batch, oldest first, and keeps the newest MAX_LINES. */
export function appendLogs(buffer: LogBuffer, batch: LogBatch): LogBuffer {
  const added = batch.lines.map((line, i) => ({ ...line, key: buffer.nextKey + i }));
  return {
    lines: [...buffer.lines, ...added].slice(-MAX_LINES),
    dropped: buffer.dropped + batch.dropped,
    nextKey: buffer.nextKey + added.length,
  };
}

// Escape sequences (CSI, OSC and two-character ones), then every other control character except tab.
// eslint-disable-next-line no-control-regex -- control characters are exactly what is looked for
const ESCAPES = /\u001b(?:\[[0-9;?]*[ -/]*[@-~]|\][^\u0007\u001b]*(?:\u0007|\u001b\\)?|[@-Z\\-_])/g;
// eslint-disable-next-line no-control-regex -- see above
const CONTROLS = /[\u0000-\u0008\u000a-\u001f\u007f-\u009f\u200e\u200f\u202a-\u202e\u2066-\u2069]/g;

/** The text of a log line made inert: no colours, no cursor moves, no reversed reading order. */
export function inertText(text: string): string {
  return text.replace(ESCAPES, '').replace(/\r?\n/g, ' ⏎ ').replace(CONTROLS, '�');
}
