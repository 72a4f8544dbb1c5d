import { appendLogs, EMPTY_BUFFER, type LogBatch, type LogBuffer } from '../../stream/logs';

/** Live lines: those shown, and those that wait while a reader holds the list. Pure. */
export interface Tail {
  shown: LogBuffer;
  waiting: LogBuffer;
}

export const EMPTY_TAIL: Tail = { shown: EMPTY_BUFFER, waiting: EMPTY_BUFFER };

export function received(tail: Tail, batch: LogBatch, isHeld: boolean): Tail {
  return isHeld ? { ...tail, waiting: appendLogs(tail.waiting, batch) } : { ...released(tail), shown: appendLogs(released(tail).shown, batch) };
}

export function released({ shown, waiting }: Tail): Tail {
  return { shown: appendLogs(shown, { lines: [...waiting.lines], dropped: waiting.dropped }), waiting: EMPTY_BUFFER };
}
