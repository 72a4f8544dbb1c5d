import { Button } from '../ui/Button';
import { Select } from '../ui/Field';
import { StatusMark } from '../ui/StatusMark';
import type { ServiceRow } from '../world/model';
import { statusLook, STATUS_BY_SEVERITY } from '../world/status';
import { countByStatus } from '../world/summary';
import { districtName, filterCount, NO_FILTER, TROUBLES, type CityFilter } from './cityFilters';
import './cityFilters.css';

export interface CityFiltersProps {
  filter: CityFilter;
  /** Every service there is. */
  rows: readonly ServiceRow[];
  onFilter: (filter: CityFilter) => void;
}

const sorted = (names: readonly string[]): string[] => [...new Set(names)].sort((a, b) => a.localeCompare(b));

/** Asks for an environment, a district, statuses, a kind of trouble. What does not fit steps back. */
export function CityFilters({ filter, rows, onFilter }: CityFiltersProps) {
  const counts = countByStatus(rows);
  const environments = sorted(rows.map((row) => row.environment));
  const districts = sorted(rows.filter((row) => filter.environment === '' || row.environment === filter.environment).map((row) => districtName(row.district)));
  const toggle = (tone: CityFilter['statuses'][number]) =>
    onFilter({ ...filter, statuses: filter.statuses.includes(tone) ? filter.statuses.filter((other) => other !== tone) : [...filter.statuses, tone] });
  return (
    <div className="city-filters" role="group" aria-label="Filter the city">
      <Select label="Environment" value={filter.environment} options={[{ value: '', text: 'All environments' }, ...environments]} onChange={(environment) => onFilter({ ...filter, environment, district: '' })} />
      <Select label="District" value={filter.district} options={[{ value: '', text: 'All districts' }, ...districts]} onChange={(district) => onFilter({ ...filter, district })} />
      <div className="city-filters-statuses" role="group" aria-label="Status">
        {STATUS_BY_SEVERITY.map((status) => {
          const { glyph, tone, word } = statusLook(status);
          return (
            <Button key={status} pressed={filter.statuses.includes(tone)} onClick={() => toggle(tone)}>
              <StatusMark glyph={glyph} tone={tone}>{word}</StatusMark> <span className="num soft">{counts[status]}</span>
            </Button>
          );
        })}
      </div>
      <Select label="Trouble" value={filter.trouble} options={[{ value: '', text: 'Any or none' }, ...TROUBLES.map(({ value, text }) => ({ value, text }))]} onChange={(trouble) => onFilter({ ...filter, trouble: trouble as CityFilter['trouble'] })} />
      <Button disabled={filterCount(filter) === 0} onClick={() => onFilter(NO_FILTER)}>Show all</Button>
    </div>
  );
}
