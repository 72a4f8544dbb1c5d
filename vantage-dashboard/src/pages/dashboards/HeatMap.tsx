import { useState } from 'react';
import type { Heat } from './heat';
import './heat.css';

/** Cells whose ink is their value. The one that is pointed at is told below. */
export function HeatMap({ heat: { across, down, cells, greatest }, format, label, heightPx }: { heat: Heat; format: (value: number) => string; label: string; heightPx: number }) {
  const [pointed, setPointed] = useState<[number, number] | null>(null);
  const cell = pointed && cells[pointed[0]]?.[pointed[1]];
  const told = pointed === null || across[pointed[1]] === undefined ? `up to ${format(greatest)}` : `${down[pointed[0]]!}, ${across[pointed[1]]!.text}: ${cell === null || cell === undefined ? 'nothing' : format(cell)}`;
  const rowPx = Math.max(9, Math.min(72, (heightPx - 40) / down.length));
  return (
    <figure className="heat" aria-label={`${label}: ${down.length} by ${across.length} cells, up to ${format(greatest)}`}>
      <div className="heat-grid" onPointerLeave={() => setPointed(null)}>
        {down.map((name, y) => (
          <div key={name} className="heat-line" style={{ height: rowPx }}>
            <span className="heat-name" title={name}>{name}</span>
            <svg viewBox={`0 0 ${across.length} 1`} preserveAspectRatio="none" aria-hidden="true" onPointerMove={({ clientX, currentTarget }) => setPointed([y, columnAt(clientX, currentTarget, across.length)])}>
              {cells[y]!.map((value, x) => value !== null && <rect key={across[x]!.key} x={x} y={0} width={1} height={1} fillOpacity={ink(value, greatest)} />)}
            </svg>
          </div>
        ))}
      </div>
      <figcaption className="num">
        <span>{across[0]?.text}</span>
        <strong>{told}</strong>
        <span>{across.length > 1 && across.at(-1)?.text}</span>
      </figcaption>
    </figure>
  );
}

/** A square root: small values next to a great one are seen, too. */
const ink = (value: number, greatest: number): number => (greatest <= 0 || value <= 0 ? 0.04 : 0.08 + 0.92 * Math.sqrt(value / greatest));

function columnAt(clientX: number, element: Element, columns: number): number {
  const { left, width } = element.getBoundingClientRect();
  return Math.max(0, Math.min(columns - 1, Math.floor(((clientX - left) / width) * columns)));
}
