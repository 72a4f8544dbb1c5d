import type { ReactNode } from 'react';
import { Button } from './Button';
import { clockTime } from './format';
import './states.css';

/** What a page shows instead of data: nothing there, nothing yet, not reachable, or not of now. */

export function EmptyState({ title, children, action }: { title: string; children?: ReactNode; action?: ReactNode }) {
  return (
    <section className="state" data-testid="empty">
      <h2>{title}</h2>
      {children !== undefined && <p className="soft">{children}</p>}
      {action}
    </section>
  );
}

export function ErrorState({ error, onRetry }: { error: Error; onRetry?: () => void }) {
  return (
    <section className="state" role="alert" data-testid="error">
      <h2><span className="tone-unhealthy" aria-hidden="true">◆ </span>{isUnreachable(error) ? 'The Vantage API does not answer' : 'This could not be answered'}</h2>
      <p className="soft">{isUnreachable(error) ? 'It is asked again by itself.' : error.message}</p>
      {hintOf(error) !== null && <p>{hintOf(error)}</p>}
      {onRetry && <Button onClick={onRetry}>Try again</Button>}
    </section>
  );
}

/** Grey bars in the place of what is coming; `lines` of them. */
export function Loading({ lines = 6 }: { lines?: number }) {
  return (
    <div className="loading" role="status" aria-label="Loading" data-testid="loading">
      {Array.from({ length: lines }, (_, i) => <span key={i} className="loading-line" />)}
    </div>
  );
}

/** The parts of a TanStack query that a view needs. */
export interface Asked<T> {
  data: T | undefined;
  error: Error | null;
  isFetching: boolean;
  isPlaceholderData: boolean;
  dataUpdatedAt: number;
  refetch: () => unknown;
}

interface AnswerProps<T> {
  of: Asked<T>;
  /** What to say instead when the answer has nothing in it. */
  empty?: (data: T) => ReactNode | null;
  loading?: ReactNode;
  children: (data: T) => ReactNode;
}

/** The answer of a query in each of its states. An answer that cannot be renewed stays, and says of when it is. */
export function Answer<T>({ of, empty, loading = <Loading />, children }: AnswerProps<T>) {
  const { data, error, isPlaceholderData, dataUpdatedAt } = of;
  const retry = () => void of.refetch();
  if (data === undefined) return error ? <ErrorState error={error} onRetry={retry} /> : loading;
  return (
    <div className="answer" data-waiting={isPlaceholderData || undefined} aria-busy={isPlaceholderData}>
      {error && (
        <p className="stale" role="status" data-testid="stale">
          <span className="tone-degraded" aria-hidden="true">▲ </span>
          {isUnreachable(error) ? 'The Vantage API does not answer' : error.message}. This is of <time>{clockTime(dataUpdatedAt, false)}</time>.
          <Button onClick={retry}>Try again</Button>
        </p>
      )}
      {empty?.(data) ?? children(data)}
    </div>
  );
}

/** fetch says TypeError, in each browser's own words, when nothing answers. */
const isUnreachable = (error: Error): boolean => error instanceof TypeError;
const hintOf = (error: Error): string | null => ('hint' in error && typeof error.hint === 'string' ? error.hint : null);
