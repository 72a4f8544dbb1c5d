import { useQuery } from '@tanstack/react-query';
import { answer, http } from '../../api/client';
import { useRange } from '../../app/address';
import { comingBack } from '../../app/queries';
import { lengthMs } from '../../app/range';
import { countsVql, type Wanted } from './filter';
import { stepFor } from './histogram';

const COUNTS_EVERY_MS = 10_000;

/** Lines by severity over time, of the whole range. */
export function useCounts(wanted: Wanted) {
  const range = useRange();
  const asked = { ...wanted, severities: [] };
  const step = stepFor(lengthMs(range.range));
  return useQuery({
    queryKey: ['logs', 'counts', JSON.stringify(asked), range.key],
    queryFn: async ({ signal }) => {
      const { start, end } = range.query();
      const { rows } = await answer(http.POST('/vql/execute', { body: { query: countsVql(asked, Number(start), Number(end), step) }, signal }));
      return { rows, start: Number(start), end: Number(end), step };
    },
    placeholderData: (before, query) => (query?.queryKey[2] === JSON.stringify(asked) ? before : undefined),
    refetchInterval: comingBack(range.refetchInterval && Math.max(range.refetchInterval, COUNTS_EVERY_MS)),
  });
}
