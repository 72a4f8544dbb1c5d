import { useQuery } from '@tanstack/react-query';
import { answer, http } from '../../api/client';
import type { Api } from '../../api/types';
import { DataTable } from '../../ui/DataTable';
import type { Column } from '../../ui/sortedRows';
import { Answer } from '../../ui/states';
import { planLines } from './plan';
import { numberText } from './results/cells';

type Read = Api<'VqlTable'>;

const TABLES: Column<Read>[] = [
  { key: 'table', title: 'Table', cell: (read) => read.table },
  { key: 'rows', title: 'Rows expected', numeric: true, cell: (read) => numberText(read.rows) },
  { key: 'parts', title: 'Parts', numeric: true, cell: (read) => numberText(read.parts) },
  { key: 'size', title: 'Size on disk', numeric: true, cell: (read) => bytes(read.size_bytes) },
];

/** What a query becomes, and what it would read. Nothing is read for it. */
export function Explain({ query }: { query: string }) {
  const asked = useQuery({
    queryKey: ['vql', 'explain', query],
    queryFn: ({ signal }) => answer(http.POST('/vql/explain', { body: { query }, signal })),
  });
  return <Answer of={asked}>{(explained) => <Explained explained={explained} />}</Answer>;
}

function Explained({ explained: { plan, source, why, tables, sql } }: { explained: Api<'VqlExplanation'> }) {
  return (
    <div className="explain">
      <section>
        <h3>What is read</h3>
        <p>It reads <strong className="mono">{source}</strong>.</p>
        {tables.length > 0 && <DataTable caption="Tables that are read" columns={TABLES} rows={tables} rowKey={(read) => read.table} />}
        {why.length > 0 && (
          <>
            <h3>Why no other rollup answers</h3>
            <ul>{why.map((reason) => <li key={reason}>{reason}</li>)}</ul>
          </>
        )}
      </section>
      <section>
        <h3>How it was understood</h3>
        <dl className="plan">
          {planLines(plan).map(({ clause, text }) => <div key={clause}><dt>{clause}</dt><dd className="mono">{text}</dd></div>)}
        </dl>
      </section>
      <section className="explain-sql">
        <h3>SQL for the engine</h3>
        <pre className="mono" tabIndex={0} aria-label="SQL">{sql}</pre>
      </section>
    </div>
  );
}

function bytes(size: number): string {
  return new Intl.NumberFormat('en-US', { notation: 'compact', style: 'unit', unit: 'byte', unitDisplay: 'narrow', maximumFractionDigits: 1 }).format(size);
}
