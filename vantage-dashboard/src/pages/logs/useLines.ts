import { useInfiniteQuery } from '@tanstack/react-query';
import { useEffect, useMemo, useReducer, useRef, useState } from 'react';
import { useStore } from 'zustand';
import { apiKey, keyRefused } from '../../api/apiKey';
import { answer, http } from '../../api/client';
import type { Api } from '../../api/types';
import { useRange } from '../../app/address';
import { comingBack } from '../../app/queries';
import { socketUrl } from '../../stream/cityStream';
import type { LogBatch, LogLine } from '../../stream/logs';
import { openLogStream, type LogStream } from '../../stream/logStream';
import type { LinkState } from '../../stream/socket';
import { isOfTrace, queryOf, streamFilterOf, type Wanted } from './filter';
import { EMPTY_TAIL, received, released, type Tail } from './tail';

type Bounds = Record<'start' | 'end', string>;
type LogPage = Api<'Logs'> & { asked: Bounds };

const PAGE = 200;

/** Stored lines, newest first, page by page; the pages after the first are of the first one's range. */
export function useStored(wanted: Wanted, epoch: number, isHeld: boolean) {
  const range = useRange();
  const conditions = queryOf(wanted), kept = JSON.stringify(conditions);
  return useInfiniteQuery({
    queryKey: ['logs', 'stored', kept, epoch, range.key],
    queryFn: async ({ pageParam, signal }): Promise<LogPage> => {
      const asked = pageParam?.asked ?? range.query();
      const page = await answer(http.GET('/api/logs', { params: { query: { ...conditions, ...asked, limit: PAGE, ...(pageParam && { cursor: pageParam.cursor }) } }, signal }));
      return { ...page, asked };
    },
    initialPageParam: null as { cursor: string; asked: Bounds } | null,
    getNextPageParam: ({ next_cursor, asked }: LogPage) => (next_cursor ? { cursor: next_cursor, asked } : undefined),
    placeholderData: (before, query) => (query?.queryKey[2] === kept ? before : undefined),
    refetchInterval: (query) => {
      const isLong = (query.state.data?.pages.length ?? 0) > 1;
      // The live stream renews the list by itself.
      return comingBack(isHeld || isLong || epoch > 0 ? false : range.refetchInterval)(query);
    },
  });
}

export interface LiveTail {
  lines: readonly LogLine[];
  /** How many lines came while the list was held. */
  waiting: number;
  /** Lines that came too fast for the stream. */
  dropped: number;
  link: LinkState;
  /** 0 while off; another number after every gap: what was missed has to be asked for. */
  epoch: number;
}

type Action = { type: 'batch'; batch: LogBatch; isHeld: boolean } | { type: 'release' } | { type: 'empty' };

function reduce(tail: Tail, action: Action): Tail {
  if (action.type === 'batch') return received(tail, action.batch, action.isHeld);
  return action.type === 'release' ? released(tail) : EMPTY_TAIL;
}

/** New lines as they arrive, while `isOn`. A held list collects them without showing them. */
export function useTail(wanted: Wanted, isOn: boolean, isHeld: boolean): LiveTail {
  const key = useStore(apiKey, (state) => state.key);
  const [tail, tell] = useReducer(reduce, EMPTY_TAIL);
  const [link, setLink] = useState<LinkState>('connecting');
  const [gaps, setGaps] = useState(0);
  const stream = useRef<LogStream | null>(null);
  const held = useRef(isHeld);
  const filter = useMemo(() => JSON.stringify(streamFilterOf(wanted)), [wanted]);
  const { traceId } = wanted;

  useEffect(() => {
    held.current = isHeld;
    if (!isHeld) tell({ type: 'release' });
  }, [isHeld]);

  useEffect(() => {
    if (!isOn) return;
    let wasLost = false;
    const opened = openLogStream(
      socketUrl('/ws/logs'),
      key,
      (batch) => tell({ type: 'batch', batch: { ...batch, lines: batch.lines.filter((line) => isOfTrace(line, traceId)) }, isHeld: held.current }),
      () => keyRefused(key),
      (state) => {
        setLink(state);
        if (state === 'live' && wasLost) {
          tell({ type: 'empty' });
          setGaps((count) => count + 1);
        }
        wasLost = state === 'offline';
      },
    );
    opened.subscribe(JSON.parse(filter) as object);
    stream.current = opened;
    return () => {
      opened.close();
      tell({ type: 'empty' });
    };
  }, [isOn, key, filter, traceId]);

  return { lines: tail.shown.lines, waiting: tail.waiting.lines.length, dropped: tail.shown.dropped, link, epoch: isOn ? 1 + gaps : 0 };
}
