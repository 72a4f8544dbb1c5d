import { useMemo, type ReactNode } from 'react';
import { GridLayout, useContainerWidth, type Layout } from 'react-grid-layout';
import 'react-grid-layout/css/styles.css';
import { COLUMNS, GAP_PX, ROW_PX, type Position } from './layout';
import type { Panel } from './draft';
import './editGrid.css';

interface EditGridProps {
  panels: readonly Panel[];
  panel: (panel: Panel) => ReactNode;
  onArrange: (positions: { id: string; position: Position }[]) => void;
}

/** The grid that panels are dragged and resized on; the one place that imports react-grid-layout. */
export function EditGrid({ panels, panel, onArrange }: EditGridProps) {
  const { width, containerRef, mounted } = useContainerWidth();
  const layout = useMemo(() => panels.map(({ id, position }) => ({ i: id, ...position, minW: Math.min(2, position.w), minH: Math.min(2, position.h), maxH: 100 })), [panels]);
  const arrange = (after: Layout) => onArrange(after.map(({ i, x, y, w, h }) => ({ id: i, position: { x, y, w, h } })));
  return (
    <div ref={containerRef} className="edit-grid">
      {/* react-draggable would put a <style> of its own into the page, which the CSP refuses, unless this id is taken. */}
      <span id="react-draggable-style-el" hidden />
      {mounted && (
        <GridLayout
          width={width}
          layout={layout}
          gridConfig={{ cols: COLUMNS, rowHeight: ROW_PX, margin: [GAP_PX, GAP_PX], containerPadding: [0, 0] }}
          dragConfig={{ handle: '.panel-head', cancel: 'button:not(.panel-handle)' }}
          resizeConfig={{ handles: ['se'] }}
          onDragStop={arrange}
          onResizeStop={arrange}
        >
          {panels.map((each) => <div key={each.id}>{panel(each)}</div>)}
        </GridLayout>
      )}
    </div>
  );
}
