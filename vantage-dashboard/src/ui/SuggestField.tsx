import { useId, useRef, useState, type KeyboardEvent } from 'react';
import { Field } from './Field';
import { matching, textOf, type Suggestion } from './suggest';
import './suggest.css';

export interface SuggestFieldProps {
  label: string;
  quiet?: boolean;
  /** What is chosen; '' is nothing. */
  value: string;
  suggestions: readonly Suggestion[];
  onChoose: (value: string) => void;
  /** What is being typed, to ask for suggestions. */
  onType?: (typed: string) => void;
  placeholder?: string;
  /** A text that is not among the suggestions may be chosen, too. */
  free?: boolean;
  /** For adding to a list: empty again after each choice. */
  clears?: boolean;
  isLoading?: boolean;
  /** For a field that a choice before it brought up. */
  autoFocus?: boolean;
}

/** A text field that offers what there is: arrows and Enter choose, Escape leaves it as it was. */
export function SuggestField({ label, quiet = false, value, suggestions, onChoose, onType, placeholder, free = false, clears = false, isLoading = false, autoFocus = false }: SuggestFieldProps) {
  const id = useId();
  const [typed, setTyped] = useState<string | null>(autoFocus ? '' : null);
  const [active, setActive] = useState(-1);
  const list = useRef<HTMLUListElement>(null);
  const isOpen = typed !== null;
  const offered = isOpen ? matching(suggestions, typed === textFor(value, suggestions) ? '' : typed) : [];
  const shownText = typed ?? (clears ? '' : textFor(value, suggestions));

  const type = (text: string) => {
    setTyped(text);
    setActive(-1);
    onType?.(text);
  };
  const close = () => {
    setTyped(null);
    setActive(-1);
  };
  const choose = (chosen: string) => {
    close();
    if (clears || chosen !== value) onChoose(chosen);
    onType?.('');
  };
  /** What Enter or leaving the field means: the marked one, one of just that name, or the text itself. */
  const settle = (leaving: boolean) => {
    if (typed === null) return;
    const marked = leaving ? undefined : offered[active];
    const exact = typed.trim() === '' ? undefined : suggestions.find((each) => textOf(each) === typed.trim() || each.value === typed.trim());
    const only = !leaving && !free && typed.trim() !== '' && offered.length > 0 ? offered[0] : undefined;
    const chosen = marked ?? exact ?? only;
    // Half a name that is left behind is no choice for a list.
    const isTaken = free && typed.trim() !== '' && !(leaving && clears);
    if (chosen) choose(chosen.value);
    else if (isTaken || (typed.trim() === '' && !clears && value !== '')) choose(typed.trim());
    else close();
  };
  const move = (by: number) => {
    if (!isOpen) {
      type(shownText);
      return;
    }
    const next = offered.length === 0 ? -1 : (active + by + offered.length + (active < 0 && by < 0 ? 1 : 0)) % offered.length;
    setActive(next);
    list.current?.children[next]?.scrollIntoView({ block: 'nearest' });
  };
  const onKey = (e: KeyboardEvent) => {
    if (e.key === 'ArrowDown') move(1);
    else if (e.key === 'ArrowUp') move(-1);
    else if (e.key === 'Enter') settle(false);
    else if (e.key === 'Escape' && isOpen) close();
    else return;
    e.preventDefault();
  };
  return (
    <div className="suggest">
      <Field label={label} quiet={quiet}>
        <input
          className="control"
          type="text"
          role="combobox"
          aria-expanded={isOpen}
          aria-controls={`${id}-list`}
          aria-autocomplete="list"
          aria-activedescendant={active >= 0 ? `${id}-${active}` : undefined}
          spellCheck={false}
          autoComplete="off"
          maxLength={256}
          autoFocus={autoFocus}
          placeholder={placeholder}
          value={shownText}
          onChange={(e) => type(e.target.value)}
          onClick={() => !isOpen && type(shownText)}
          onFocus={(e) => e.target.select()}
          onBlur={() => settle(true)}
          onKeyDown={onKey}
        />
      </Field>
      <ul ref={list} id={`${id}-list`} role="listbox" aria-label={label} hidden={!isOpen} className="suggest-list">
        {offered.map((each, i) => (
          // The field keeps the focus; a press must not take it away before the click counts.
          <li key={each.value} id={`${id}-${i}`} role="option" aria-selected={i === active} onPointerDown={(e) => e.preventDefault()} onClick={() => choose(each.value)}>
            <span>{textOf(each)}</span>
            {each.note !== undefined && <span className="soft num">{each.note}</span>}
          </li>
        ))}
        {offered.length === 0 && <li role="option" aria-selected={false} aria-disabled="true" className="soft">{isLoading ? 'Loading…' : free && typed !== '' ? 'Enter takes it as it is' : 'Nothing fits'}</li>}
      </ul>
    </div>
  );
}

const textFor = (value: string, suggestions: readonly Suggestion[]): string => textOf(suggestions.find((each) => each.value === value) ?? { value });
