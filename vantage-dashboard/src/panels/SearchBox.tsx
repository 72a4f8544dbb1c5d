import { useEffect, useId, useRef, useState, type KeyboardEvent } from 'react';
import type { ServiceRow } from '../world/model';
import { statusLook } from '../world/status';
import './search.css';

export interface SearchBoxProps {
  query: string;
  results: readonly ServiceRow[];
  onQuery: (query: string) => void;
  onPick: (id: string) => void;
}

const SHOWN = 8;

/** Type to light up what matches, Enter to fly there. "/" brings the focus here from anywhere. */
export function SearchBox({ query, results, onQuery, onPick }: SearchBoxProps) {
  const field = useRef<HTMLInputElement>(null);
  const list = useId();
  const [active, setActive] = useState(0);
  const shown = results.slice(0, SHOWN);
  const current = Math.min(active, Math.max(0, shown.length - 1));

  useEffect(() => {
    const focus = (e: globalThis.KeyboardEvent) => {
      const typing = e.target instanceof HTMLElement && e.target.closest('input, textarea, select');
      if (e.key !== '/' || typing || e.ctrlKey || e.metaKey) return;
      e.preventDefault();
      field.current?.focus();
    };
    window.addEventListener('keydown', focus);
    return () => window.removeEventListener('keydown', focus);
  }, []);

  const pick = (id: string) => {
    onPick(id);
    onQuery('');
    field.current?.blur();
  };

  const keyDown = (e: KeyboardEvent) => {
    if (e.key === 'ArrowDown') setActive(Math.min(current + 1, shown.length - 1));
    else if (e.key === 'ArrowUp') setActive(Math.max(current - 1, 0));
    else if (e.key === 'Enter' && shown[current]) pick(shown[current].id);
    else if (e.key === 'Escape') {
      onQuery('');
      field.current?.blur();
    } else return;
    e.preventDefault();
  };

  return (
    <div className="search" role="search">
      <input
        ref={field}
        type="search"
        value={query}
        placeholder="Find a service"
        aria-label="Find a service"
        aria-keyshortcuts="/"
        role="combobox"
        aria-expanded={shown.length > 0}
        aria-controls={list}
        aria-activedescendant={shown[current] ? `${list}-${current}` : undefined}
        onChange={(e) => {
          setActive(0);
          onQuery(e.target.value);
        }}
        onKeyDown={keyDown}
      />
      <kbd aria-hidden="true">/</kbd>
      {query !== '' && (
        <ul id={list} role="listbox" aria-label="Matching services" className="search-results panel">
          {shown.map((row, i) => {
            const { glyph, tone, word } = statusLook(row.status);
            return (
              <li key={row.id} id={`${list}-${i}`} role="option" aria-selected={i === current} onPointerDown={(e) => e.preventDefault()} onClick={() => pick(row.id)}>
                <span className={`tone-${tone}`} title={word} aria-hidden="true">{glyph}</span>
                <span>{row.name}</span>
                <span className="soft">{row.environment}</span>
              </li>
            );
          })}
          {shown.length === 0 && <li className="soft">No service matches “{query}”.</li>}
        </ul>
      )}
    </div>
  );
}
