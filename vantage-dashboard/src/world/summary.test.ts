import { describe, expect, it } from 'vitest';
import type { ServiceRow, StatusCode } from './model';
import { attentionList, countByStatus, matchServices, statusOfScore } from './summary';

const row = (name: string, status: StatusCode, health: number | null, rps = 1): ServiceRow => ({
  slot: 0, id: `production/${name}`, name, environment: 'production', district: 'shop', x: 0, z: 0,
  pods: 1, rps, errorRatio: null, p95Ms: null, health, status,
});

describe('attention', () => {
  const rows = [row('fine', 1, 99), row('slow', 2, 60), row('broken', 3, 20), row('worse', 3, 5), row('new', 0, null)];

  it('lists the worst first and leaves out what is fine or unknown', () => {
    expect(attentionList(rows).map((r) => r.name)).toEqual(['worse', 'broken', 'slow']);
  });

  it('counts every service once', () => {
    expect(countByStatus(rows)).toEqual({ 0: 1, 1: 1, 2: 1, 3: 2 });
  });
});

describe('statusOfScore', () => {
  it.each([[null, 0], [100, 1], [80, 1], [79, 2], [50, 2], [49, 3], [0, 3]] as const)('%s → %s', (score, status) => {
    expect(statusOfScore(score)).toBe(status);
  });
});

describe('matchServices', () => {
  const rows = [row('checkout-api', 1, 90), row('checkout-db', 1, 90), row('search', 1, 90)];

  it('needs every word, in any order, in any case', () => {
    expect(matchServices(rows, 'API check').map((r) => r.name)).toEqual(['checkout-api']);
  });

  it('finds nothing for an empty query', () => {
    expect(matchServices(rows, '  ')).toEqual([]);
  });
});
