import { useCallback, useMemo } from 'react';
import { useSearchParams } from 'react-router';
import { addressNow } from '../../app/address';
import { readQuestion, writeQuestion, type Question } from './question';

export type ChangeQuestion = (changes: Partial<Question>) => void;

/** The question in the address. Another metric or grouping has other series: what was chosen in the legend is gone with it. */
export function useQuestion(): [Question, ChangeQuestion] {
  const [parameters, setParameters] = useSearchParams();
  const key = parameters.toString();
  const question = useMemo(() => readQuestion(new URLSearchParams(key)), [key]);
  const change = useCallback(
    (changes: Partial<Question>) => setParameters(() => writeQuestion(addressNow(), 'metric' in changes || 'groupBy' in changes ? { only: [], ...changes } : changes), { replace: true }),
    [setParameters],
  );
  return [question, change];
}
