import { useMemo } from 'react';
import { useParameters } from '../app/address';
import { filterOf, filterParameters, type CityFilter } from '../panels/cityFilters';

/** What the city is narrowed to, in the address. */
export function useCityFilter(): [CityFilter, (filter: CityFilter) => void] {
  const [parameters, change] = useParameters();
  const text = parameters.toString();
  const filter = useMemo(() => filterOf(new URLSearchParams(text)), [text]);
  return [filter, (next) => change(filterParameters(next))];
}
