import { useMemo } from 'react';
import { Select } from '../../../ui/Field';
import { EmptyState } from '../../../ui/states';
import { BarList } from './BarList';
import { numberText, type Table } from './cells';
import { SeriesView } from './SeriesView';
import { barsOf, hasBars, hasTime, possibleRoles, seriesOf, withRole, type Role, type Roles } from './shape';

const KINDS = [{ value: 'line', text: 'Lines' }, { value: 'area', text: 'Areas, stacked' }, { value: 'bar', text: 'Bars, stacked' }] as const;
export type Kind = (typeof KINDS)[number]['value'];

const ROLE_WORDS: Record<Role, string> = { time: 'time', value: 'value', series: 'names the series', none: 'not drawn' };

interface ResultChartProps {
  table: Table;
  kind: Kind;
  onKind: (kind: Kind) => void;
  roles: Roles;
  onRoles: (roles: Roles) => void;
}

/** An answer as a chart. What each column is was guessed, and is said and changed above it. */
export function ResultChart({ table, kind, onKind, roles, onRoles }: ResultChartProps) {
  const drawn = useMemo(() => (hasTime(roles) ? seriesOf(table, roles) : null), [table, roles]);
  return (
    <>
      <div className="chart-choices">
        {drawn && <Select label="Chart" quiet={false} value={kind} options={KINDS} onChange={(chosen) => onKind(chosen as Kind)} />}
        {table.columns.map((column, i) => (
          <Select key={i} label={column.name.slice(0, 60)} quiet={false} value={roles[i]!} options={possibleRoles(column).map((role) => ({ value: role, text: ROLE_WORDS[role] }))} onChange={(role) => onRoles(withRole(roles, i, role as Role))} />
        ))}
      </div>
      {drawn
        ? <SeriesView drawn={drawn} label="The answer over time" kind={kind} format={shortNumber} height={340} />
        : hasBars(roles)
          ? <BarList bars={barsOf(table, roles)} label="Rows as bars" format={numberText} />
          : <EmptyState title="There is nothing to draw">A chart takes a value, and a time or a name that the value belongs to.</EmptyState>}
    </>
  );
}

const shortNumber = (value: number): string => (Math.abs(value) >= 10_000 ? new Intl.NumberFormat('en-US', { notation: 'compact', maximumFractionDigits: 1 }).format(value) : numberText(value));
