/** What a field with suggestions offers. Pure. */

export interface Suggestion {
  value: string;
  /** What is shown and searched; by default the value. */
  text?: string;
  /** Said beside it: a count, a type. */
  note?: string;
}

export const textOf = ({ value, text }: Suggestion): string => text ?? value;

const MOST = 50;

/** Those that hold the typed text in any case, the ones that begin with it first; as many as a list can show. */
export function matching(suggestions: readonly Suggestion[], typed: string): Suggestion[] {
  const wanted = typed.trim().toLowerCase();
  const found = suggestions.flatMap((each) => {
    const at = textOf(each).toLowerCase().indexOf(wanted);
    return at < 0 ? [] : [{ each, at }];
  });
  // Sorting is stable: among equals the order of the suggestions stays.
  return found.sort((a, b) => Math.min(a.at, 1) - Math.min(b.at, 1)).slice(0, MOST).map(({ each }) => each);
}
