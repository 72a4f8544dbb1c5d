import { expect, it } from 'vitest';
import type { Api } from '../../api/types';
import { lanesOf } from './lanes';

const firing = (service_name: string, fired: number, severity: 'warning' | 'critical' = 'warning'): Api<'FiringView'> => ({ service_name, severity, fired, ended: fired + 5, value: 1, threshold: 1, expected: null });

it('has a lane a service, the one that fired most first', () => {
  const lanes = lanesOf({ firings: [firing('b', 1), firing('c', 2, 'critical'), firing('a', 3), firing('c', 9)] });
  expect(lanes.map(({ service, isCritical, spans }) => [service, isCritical, spans.map(({ start }) => start)])).toEqual([['c', true, [2, 9]], ['a', false, [3]], ['b', false, [1]]]);
});
