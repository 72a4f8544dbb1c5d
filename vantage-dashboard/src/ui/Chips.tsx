import './suggest.css';

interface ChipsProps {
  label: string;
  values: readonly string[];
  textOf?: (value: string) => string;
  onRemove: (value: string) => void;
}

/** Values that are chosen, each with its way out. */
export function Chips({ label, values, textOf = (value) => value, onRemove }: ChipsProps) {
  if (values.length === 0) return null;
  return (
    <ul className="chips" aria-label={label}>
      {values.map((value) => (
        <li key={value} className="chip">
          <span title={textOf(value)}>{textOf(value)}</span>
          <button type="button" aria-label={`Remove ${textOf(value)}`} onClick={() => onRemove(value)}>✕</button>
        </li>
      ))}
    </ul>
  );
}
