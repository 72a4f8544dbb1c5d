import './dataTable.css';
import { sortedRows, type Column } from './sortedRows';

interface DataTableProps<Row> {
  caption: string;
  columns: readonly Column<Row>[];
  rows: readonly Row[];
  rowKey: (row: Row) => string;
  /** "p95" or "-p95" (greatest first); the caller keeps it, in the address for instance. */
  sort?: string;
  onSort?: (sort: string) => void;
  isCurrent?: (row: Row) => boolean;
}

/** A table that sorts by its heads. The first column names the row; give it a link or a button to make rows open. */
export function DataTable<Row>({ caption, columns, rows, rowKey, sort = '', onSort, isCurrent }: DataTableProps<Row>) {
  const sorted = sortedRows(rows, columns, sort);
  return (
    <div className="data-table" tabIndex={0} role="region" aria-label={caption}>
      <table>
        <caption className="visually-hidden">{caption}</caption>
        <thead>
          <tr>
            {columns.map((column) => (
              <th key={column.key} scope="col" className={classes(column)} aria-sort={orderOf(column.key, sort)}>
                {column.sortBy && onSort ? (
                  <button type="button" onClick={() => onSort(nextSort(column, sort))}>
                    {column.title} <span aria-hidden="true">{arrow(column.key, sort)}</span>
                  </button>
                ) : column.title}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {sorted.map((row) => (
            <tr key={rowKey(row)} data-key={rowKey(row)} aria-current={isCurrent?.(row) || undefined}>
              {columns.map((column, i) =>
                i === 0
                  ? <th key={column.key} scope="row" className={classes(column)}>{column.cell(row)}</th>
                  : <td key={column.key} className={classes(column)}>{column.cell(row)}</td>,
              )}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

/** Numbers begin with the greatest, texts with the first; a second click turns it round. */
function nextSort<Row>(column: Column<Row>, sort: string): string {
  const [first, second] = column.numeric ? [`-${column.key}`, column.key] : [column.key, `-${column.key}`];
  return sort === first ? second : first;
}

function orderOf(key: string, sort: string): 'ascending' | 'descending' | 'none' {
  return sort === key ? 'ascending' : sort === `-${key}` ? 'descending' : 'none';
}

const arrow = (key: string, sort: string): string => ({ ascending: '↑', descending: '↓', none: '' })[orderOf(key, sort)];
const classes = <Row,>({ numeric, wide }: Column<Row>): string => `${numeric ? 'numeric num' : ''} ${wide ? 'wide' : ''}`.trim();
