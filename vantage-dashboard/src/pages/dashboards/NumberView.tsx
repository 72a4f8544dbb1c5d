import { Sparkline } from '../../ui/Sparkline';
import { StatusMark } from '../../ui/StatusMark';
import { isNumeric, type Table } from '../query/results/cells';
import type { Panel } from './draft';
import { unitFormat } from './units';
import './number.css';

/** The newest row's figures, large; over time with their course. `warn_above` and `bad_above` of the options mark them. */
export function NumberView({ table: { columns, rows }, options }: { table: Table; options: Panel['options'] }) {
  const format = unitFormat(options['unit']);
  const hasTime = columns[0]?.type === 'time' && rows.length > 1;
  const shown = hasTime ? rows.at(-1) : rows[0];
  const figures = columns.flatMap((column, i) => (isNumeric(column) ? [{ name: column.name, i }] : []));
  return (
    <div className="numbers">
      {figures.slice(0, 6).map(({ name, i }) => {
        const value = shown?.[i];
        const number = typeof value === 'number' ? value : null;
        const course = rows.map((row) => (typeof row[i] === 'number' ? row[i] : null));
        return (
          <div key={i} className="number">
            <p className="number-value num">
              <Mark value={number} options={options} /> {number === null ? '–' : format(number)}
            </p>
            <p className="soft">{name.slice(0, 100)}</p>
            {hasTime && <Sparkline values={course} label={`${name} over ${rows.length} steps`} width={140} height={28} />}
          </div>
        );
      })}
    </div>
  );
}

function Mark({ value, options }: { value: number | null; options: Panel['options'] }) {
  const isAbove = (limit: unknown): boolean => value !== null && typeof limit === 'number' && value > limit;
  if (isAbove(options['bad_above'])) return <StatusMark glyph="◆" tone="unhealthy"><span className="visually-hidden">too high:</span></StatusMark>;
  if (isAbove(options['warn_above'])) return <StatusMark glyph="▲" tone="degraded"><span className="visually-hidden">high:</span></StatusMark>;
  return null;
}
