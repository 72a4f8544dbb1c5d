import { Copy, Pencil } from 'lucide-react';
import { useMemo, useState, type ReactNode } from 'react';
import { Link, useNavigate } from 'react-router';
import { useLinkTo, useParameters, useRange } from '../../app/address';
import { PageTools } from '../../app/PageTools';
import { Button } from '../../ui/Button';
import { Page } from '../../ui/Page';
import { Answer, EmptyState } from '../../ui/states';
import { useChanges, useDashboardData, type Dashboard, type PanelData } from './data';
import { valuesOf, type Panel } from './draft';
import { compacted } from './layout';
import { PanelFrame } from './PanelFrame';
import { VariablePickers } from './VariablePickers';

export function DashboardView({ dashboard, onEdit }: { dashboard: Dashboard; onEdit: () => void }) {
  const [parameters] = useParameters();
  const values = useMemo(() => valuesOf(parameters, dashboard.variables), [parameters, dashboard.variables]);
  const asked = useDashboardData(dashboard, values);
  const range = useRange();
  const panels = useMemo(() => compacted(dashboard.panels), [dashboard.panels]);
  const zoom = (start: number, end: number) => range.set({ start, end });
  const grid = (data: readonly PanelData[] | undefined, start: number, end: number) => (
    <div className="dash-grid">
      {panels.map((panel) => <Cell key={panel.id} panel={panel}><PanelFrame panel={panel} data={data?.find(({ id }) => id === panel.id)} start={start} end={end} onZoom={zoom} /></Cell>)}
    </div>
  );
  return (
    <Page title={<DashboardTitle name={dashboard.name} />} tools={<><VariablePickers variables={dashboard.variables} values={values} /><PageTools environment={false} />{dashboard.read_only ? <DuplicateButton id={dashboard.id} /> : <Button onClick={onEdit}><Pencil aria-hidden="true" size={14} />Edit</Button>}</>}>
      {dashboard.description !== '' && <p className="soft dash-about">{dashboard.description}</p>}
      {panels.length === 0
        ? <EmptyState title="There are no panels yet" action={dashboard.read_only ? undefined : <Button className="primary" onClick={onEdit}>Add some</Button>}>A panel is a query and a chart.</EmptyState>
        : <Answer of={asked} loading={grid(undefined, 0, 1)}>{({ panels: data, start, end }) => grid(data, start, end)}</Answer>}
    </Page>
  );
}

export function DashboardTitle({ name }: { name: string }) {
  const linkTo = useLinkTo();
  return <><Link className="dash-back" to={linkTo('/dashboards')}>Dashboards</Link> <span aria-hidden="true" className="soft">/</span> {name}</>;
}

/** A panel's cell: its place on the grid, by the custom properties that panel.css reads. */
export function Cell({ panel: { position }, children }: { panel: Panel; children: ReactNode }) {
  const place: Record<string, number> = { '--x': position.x + 1, '--y': position.y + 1, '--w': position.w, '--h': position.h };
  return <div style={place}>{children}</div>;
}

function DuplicateButton({ id }: { id: string }) {
  const { duplicate } = useChanges();
  const [failure, setFailure] = useState('');
  const linkTo = useLinkTo();
  const navigate = useNavigate();
  const copy = () => {
    duplicate.mutateAsync(id).then(
      (made) => void navigate(linkTo(`/dashboards/${encodeURIComponent(made.id)}`)),
      (error: unknown) => setFailure(error instanceof Error ? error.message : String(error)),
    );
  };
  return (
    <>
      {failure !== '' && <span role="alert">{failure}</span>}
      <Button disabled={duplicate.isPending} title="This one belongs to Vantage; a copy is yours to change" onClick={copy}><Copy aria-hidden="true" size={14} />Duplicate to edit</Button>
    </>
  );
}
