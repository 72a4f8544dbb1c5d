import type { Api } from '../../api/types';
import { statusLook, statusOfWord, STATUS_BY_SEVERITY, type StatusLook } from '../../world/status';

/** What of all services a person sees, and in which order. Pure. */

export type Service = Api<'ServiceSummary'>;

export interface Filter {
  text: string;
  status: string;
  district: string;
}

/** Name and environment together are unique. */
export const idOf = ({ service_name, environment }: { service_name: string; environment: string }): string => `${environment}/${service_name}`;

export const lookOf = ({ status }: { status: string }): StatusLook => statusLook(statusOfWord(status));

/** Worst first when sorted upwards. */
export const severityOf = ({ status }: { status: string }): number => STATUS_BY_SEVERITY.indexOf(statusOfWord(status));

export function fitting(services: readonly Service[], { text, status, district }: Filter): Service[] {
  const wanted = text.trim().toLowerCase();
  return services.filter(
    (service) =>
      (wanted === '' || service.service_name.toLowerCase().includes(wanted) || service.version.toLowerCase().includes(wanted)) &&
      (status === '' || service.status === status) &&
      (district === '' || service.district === district),
  );
}

/** How many there are of each status, the worst first; those there are none of are left out. */
export function countByStatus(services: readonly Service[]): { status: Service['status']; count: number }[] {
  const counts = new Map<Service['status'], number>();
  for (const { status } of services) counts.set(status, (counts.get(status) ?? 0) + 1);
  return [...counts].map(([status, count]) => ({ status, count })).sort((a, b) => severityOf(a) - severityOf(b));
}

/** As many as one question for sparklines may name. */
export const PAGE_SIZE = 50;

export interface PageOf<T> {
  rows: T[];
  /** From 1. */
  page: number;
  pages: number;
  /** Of the first row, from 1; 0 where there is none. */
  from: number;
}

/** One page; one that is not there is the nearest that is. */
export function pageOf<T>(rows: readonly T[], wanted: number, size = PAGE_SIZE): PageOf<T> {
  const pages = Math.max(1, Math.ceil(rows.length / size));
  const page = Math.min(pages, Math.max(1, Math.floor(wanted) || 1));
  return { rows: rows.slice((page - 1) * size, page * size), page, pages, from: rows.length === 0 ? 0 : (page - 1) * size + 1 };
}

/** "12 s ago", of two instants in epoch ms. */
export function ago(then: number, now: number): string {
  const seconds = Math.max(0, Math.round((now - then) / 1000));
  if (seconds < 5) return 'now';
  if (seconds < 120) return `${seconds} s ago`;
  if (seconds < 7200) return `${Math.round(seconds / 60)} min ago`;
  return seconds < 172_800 ? `${Math.round(seconds / 3600)} h ago` : `${Math.round(seconds / 86_400)} d ago`;
}
