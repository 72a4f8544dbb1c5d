import type { Bars } from './shape';
import './barList.css';

/** One bar a name, with its number: a chart that is its own table. */
export function BarList({ bars: { bars, values }, label, format }: { bars: Bars; label: string; format: (value: number) => string }) {
  const greatest = Math.max(...bars.map((bar) => Math.abs(bar.values[0] ?? 0)), Number.MIN_VALUE);
  return (
    <table className="bar-list">
      <caption className="visually-hidden">{label}</caption>
      <thead className="visually-hidden"><tr><th scope="col">Name</th>{values.map((name) => <th key={name} scope="col">{name}</th>)}</tr></thead>
      <tbody>
        {bars.map(({ name, values: numbers }, i) => (
          <tr key={i}>
            <th scope="row" title={name}>{name}</th>
            {numbers.map((value, column) => (
              <td key={column} className="num">
                {column === 0 && <span className="bar" style={{ inlineSize: `${(100 * Math.abs(value ?? 0)) / greatest}%` }} />}
                <span className="bar-value">{value === null ? '–' : format(value)}</span>
              </td>
            ))}
          </tr>
        ))}
      </tbody>
    </table>
  );
}
