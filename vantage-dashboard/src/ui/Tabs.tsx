import { useId, useRef, type KeyboardEvent, type ReactNode } from 'react';
import './tabs.css';

interface TabsProps<Name extends string> {
  label: string;
  tabs: readonly { name: Name; title: string }[];
  value: Name;
  onChange: (name: Name) => void;
  /** What the chosen tab shows. */
  children: ReactNode;
}

/** Views of one thing, one at a time. The arrow keys go from tab to tab; the caller keeps which one, in the address. */
export function Tabs<Name extends string>({ label, tabs, value, onChange, children }: TabsProps<Name>) {
  const id = useId();
  const list = useRef<HTMLDivElement>(null);
  const turn = (e: KeyboardEvent) => {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[e.key];
    if (step === undefined) return;
    e.preventDefault();
    const next = (tabs.findIndex(({ name }) => name === value) + step + tabs.length) % tabs.length;
    onChange(tabs[next]!.name);
    list.current?.querySelectorAll<HTMLElement>('[role=tab]')[next]?.focus();
  };
  return (
    <>
      <div ref={list} className="tabs" role="tablist" aria-label={label}>
        {tabs.map(({ name, title }) => (
          <button key={name} type="button" role="tab" id={`${id}-${name}`} aria-selected={name === value} aria-controls={`${id}-panel`} tabIndex={name === value ? 0 : -1} onClick={() => onChange(name)} onKeyDown={turn}>
            {title}
          </button>
        ))}
      </div>
      <div id={`${id}-panel`} role="tabpanel" aria-labelledby={`${id}-${value}`}>{children}</div>
    </>
  );
}
