import type { ReactNode } from 'react';
import { useRange } from '../../app/address';
import { bounds } from '../../app/range';
import type { Api } from '../../api/types';
import { usePreview, type Dashboard, type PanelData } from './data';
import type { Panel } from './draft';
import { PanelFrame } from './PanelFrame';

interface EditedPanelProps {
  panel: Panel;
  base: Dashboard;
  /** What the saved panels show. */
  saved: Api<'DashboardData'> | undefined;
  values: Record<string, string>;
  savedValues: Record<string, string>;
  tools: ReactNode;
  handle: ReactNode;
}

/** A panel while its dashboard is edited: with the saved one's data as long as it asks the same, else with its own. */
export function EditedPanel(props: EditedPanelProps) {
  const { panel, base, saved, values, savedValues } = props;
  const asksTheSame = base.panels.some(({ id, query }) => id === panel.id && query === panel.query) && JSON.stringify(values) === JSON.stringify(savedValues);
  return asksTheSame ? <Framed {...props} data={saved?.panels.find(({ id }) => id === panel.id)} /> : <Previewed {...props} />;
}

function Previewed(props: EditedPanelProps) {
  const asked = usePreview(props.panel, props.values);
  const failed = asked.data === undefined && asked.error ? failure(props.panel.id, asked.error) : undefined;
  return <Framed {...props} data={asked.data ?? failed} />;
}

function Framed({ panel, saved, tools, handle, data }: EditedPanelProps & { data: PanelData | undefined }) {
  const { range } = useRange();
  const { start, end } = saved ?? bounds(range);
  return <PanelFrame panel={panel} data={data} start={start} end={end} tools={tools} handle={handle} />;
}

const failure = (id: string, error: Error): PanelData => ({ id, columns: [], rows: [], row_count: 0, truncated: false, elapsed_ms: 0, source: '', error: { code: 'failed', message: error.message } });
