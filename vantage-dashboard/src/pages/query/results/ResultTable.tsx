import { useVirtualizer } from '@tanstack/react-virtual';
import { useMemo, useRef, useState, type KeyboardEvent } from 'react';
import { Link } from 'react-router';
import { useLinkTo } from '../../../app/address';
import { sortedRows, type Column as SortedColumn } from '../../../ui/sortedRows';
import { cellText, columnWidths, isNumeric, sortValue, type Column, type Table } from './cells';
import { pathOf } from './paths';
import { RowDialog } from './RowDialog';
import './resultTable.css';

interface ResultTableProps {
  table: Table;
  caption: string;
  /** "2" or "-2": the number of the column, with a minus from the greatest down. */
  sort: string;
  onSort: (sort: string) => void;
  /** CSS height; rows beyond it are drawn when they are scrolled to. */
  maxHeight?: string;
}

const ROW_PX = 28;

/** Thousands of rows, of which those in sight are in the document. Each opens by its number, with everything in it. */
export function ResultTable({ table, caption, sort, onSort, maxHeight = '60vh' }: ResultTableProps) {
  const { columns } = table;
  const region = useRef<HTMLDivElement>(null);
  const [active, setActive] = useState(0);
  const [opened, setOpened] = useState<readonly unknown[] | null>(null);
  const rows = useMemo(() => {
    const sortable: SortedColumn<readonly unknown[]>[] = columns.map((_, i) => ({ key: String(i), title: '', cell: () => null, sortBy: (row) => sortValue(row[i]) }));
    return sortedRows(table.rows, sortable, sort);
  }, [table.rows, columns, sort]);
  const widths = useMemo(() => columnWidths(table), [table]);
  // eslint-disable-next-line react-hooks/incompatible-library -- it is read in this component alone
  const virtual = useVirtualizer({ count: rows.length, getScrollElement: () => region.current, estimateSize: () => ROW_PX, overscan: 12, paddingStart: ROW_PX });
  const items = virtual.getVirtualItems();
  const current = Math.min(active, rows.length - 1);
  const go = (to: number) => {
    const row = Math.max(0, Math.min(rows.length - 1, to));
    setActive(row);
    virtual.scrollToIndex(row, { align: 'auto' });
    // The row may have to be drawn first.
    requestAnimationFrame(() => requestAnimationFrame(() => region.current?.querySelector<HTMLElement>(`[data-row="${row}"]`)?.focus({ preventScroll: true })));
  };
  const move = (e: KeyboardEvent) => {
    const to = { ArrowDown: current + 1, ArrowUp: current - 1, PageDown: current + 20, PageUp: current - 20, Home: 0, End: rows.length - 1 }[e.key];
    if (to === undefined || !(e.target as HTMLElement).matches('[data-row]')) return;
    e.preventDefault();
    go(to);
  };
  const numberWidth = String(rows.length).length + 4;
  const template = `${numberWidth}ch ${widths.map((width) => `minmax(${width + 3}ch, ${width}fr)`).join(' ')}`;
  const total = widths.reduce((sum, width) => sum + width + 3, numberWidth);
  return (
    <>
      <div ref={region} className="result-table" style={{ maxHeight }} tabIndex={0} role="region" aria-label={caption} onKeyDown={move}>
        <div role="table" aria-label={caption} aria-rowcount={rows.length + 1} aria-colcount={columns.length + 1} className="result-rows" style={{ height: virtual.getTotalSize(), minWidth: `${total}ch` }}>
          <div role="row" aria-rowindex={1} className="result-head" style={{ gridTemplateColumns: template }}>
            <span role="columnheader" className="numeric">#</span>
            {columns.map((column, i) => <Head key={i} column={column} name={String(i)} sort={sort} onSort={onSort} />)}
          </div>
          {items.map(({ index, start }) => {
            const row = rows[index]!;
            return (
              <div key={index} role="row" aria-rowindex={index + 2} className="result-row" style={{ gridTemplateColumns: template, transform: `translateY(${start}px)` }}>
                <span role="rowheader" className="numeric">
                  <button type="button" data-row={index} tabIndex={index === current || (index === items[0]!.index && !items.some((item) => item.index === current)) ? 0 : -1} aria-label={`Row ${index + 1}: show all of it`} onFocus={() => setActive(index)} onClick={() => setOpened(row)}>{index + 1}</button>
                </span>
                {columns.map((column, i) => <span key={i} role="cell" className={cellClass(column, row[i])}><Cell value={row[i]} column={column} /></span>)}
              </div>
            );
          })}
        </div>
      </div>
      {opened && <RowDialog row={opened} columns={columns} onClose={() => setOpened(null)} />}
    </>
  );
}

function Head({ column, name, sort, onSort }: { column: Column; name: string; sort: string; onSort: (sort: string) => void }) {
  const order = sort === name ? 'ascending' : sort === `-${name}` ? 'descending' : 'none';
  const [first, second] = isNumeric(column) ? [`-${name}`, name] : [name, `-${name}`];
  return (
    <span role="columnheader" aria-sort={order} className={isNumeric(column) ? 'numeric' : ''}>
      <button type="button" title={`${column.name} (${column.type})`} onClick={() => onSort(sort === first ? second : first)}>
        {column.name.slice(0, 200)} <span aria-hidden="true">{{ ascending: '↑', descending: '↓', none: '' }[order]}</span>
      </button>
    </span>
  );
}

/** A cell; what names a trace or a service leads there. By keyboard that is done from the whole row. */
function Cell({ value, column }: { value: unknown; column: Column }) {
  const linkTo = useLinkTo();
  const text = cellText(value, column);
  const path = pathOf(value, column);
  return path === null ? text : <Link to={linkTo(path)} tabIndex={-1}>{text}</Link>;
}

const cellClass = (column: Column, value: unknown): string => `${isNumeric(column) ? 'numeric num' : ''} ${value === null ? 'faint' : ''} ${column.type === 'time' ? 'num' : ''}`.trim();
