import { useCallback, useMemo } from 'react';
import { useSearchParams } from 'react-router';
import { bounds, DEFAULT_RANGE, rangeOf, refreshMs, writeRange, type Range } from './range';

/** What of a page's state lives in its address, so that a link shows a colleague the same. */

/** What the browser has: of two quick changes the second is made before React has drawn the first. */
export const addressNow = (): URLSearchParams => new URLSearchParams(window.location.search);

/** A text in the address; setting the default removes it. Changes replace the entry of the browser's history. */
export function useParameter(name: string, fallback = ''): [string, (value: string) => void] {
  const [parameters, setParameters] = useSearchParams();
  const set = useCallback(
    (value: string) =>
      setParameters(
        () => {
          const next = addressNow();
          if (value === fallback) next.delete(name);
          else next.set(name, value);
          return next;
        },
        { replace: true },
      ),
    [name, fallback, setParameters],
  );
  return [parameters.get(name) ?? fallback, set];
}

/** Several at once: two `useParameter` setters called together would overwrite each other. `null` removes. */
export function useParameters(): [URLSearchParams, (changes: Record<string, string | null>) => void] {
  const [parameters, setParameters] = useSearchParams();
  const change = useCallback(
    (changes: Record<string, string | null>) =>
      setParameters(
        () => {
          const next = addressNow();
          for (const [name, value] of Object.entries(changes)) {
            if (value === null) next.delete(name);
            else next.set(name, value);
          }
          return next;
        },
        { replace: true },
      ),
    [setParameters],
  );
  return [parameters, change];
}

/** The environment all pages are narrowed to; '' is every one. */
export const useEnvironment = () => useParameter('env');

export interface RangeInAddress {
  range: Range;
  /** For query keys: two equal ranges have one. */
  key: string;
  /** As the API takes it, of this moment: call it where the question is asked. */
  query: () => { start: string; end: string };
  /** For `refetchInterval`. */
  refetchInterval: number | false;
  set: (range: Range) => void;
}

export function useRange(): RangeInAddress {
  const [parameters, setParameters] = useSearchParams();
  const text = new URLSearchParams();
  writeRange(text, rangeOf(parameters));
  const key = text.toString();
  const set = useCallback(
    (next: Range) =>
      setParameters(
        () => {
          const changed = addressNow();
          writeRange(changed, next);
          return changed;
        },
        // A zoomed chart is a place one wants to go back from.
        { replace: 'preset' in next },
      ),
    [setParameters],
  );
  return useMemo(() => {
    const range = key === '' ? DEFAULT_RANGE : rangeOf(new URLSearchParams(key));
    const query = () => {
      const { start, end } = bounds(range);
      return { start: String(Math.round(start)), end: String(Math.round(end)) };
    };
    return { range, key, query, refetchInterval: refreshMs(range), set };
  }, [key, set]);
}

/** Leads to another page with the environment and the range of this one. */
export function useLinkTo(): (path: string, parameters?: Record<string, string>) => string {
  const [here] = useSearchParams();
  const kept = ['env', 'range', 'start', 'end'].flatMap((name) => (here.get(name) === null ? [] : [[name, here.get(name)!] as const]));
  const keptKey = JSON.stringify(kept);
  return useCallback(
    (path: string, parameters: Record<string, string> = {}) => {
      const next = new URLSearchParams(JSON.parse(keptKey) as [string, string][]);
      for (const [name, value] of Object.entries(parameters)) next.set(name, value);
      return next.size > 0 ? `${path}?${next}` : path;
    },
    [keptKey],
  );
}
