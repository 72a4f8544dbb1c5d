import { ArrowDown, ArrowUp, GripVertical, Pencil, Plus, Save, SlidersHorizontal, Trash2 } from 'lucide-react';
import { useMemo, useReducer, useState, type KeyboardEvent } from 'react';
import { useNavigate } from 'react-router';
import { ApiError } from '../../api/client';
import { useLinkTo, useParameters } from '../../app/address';
import { useMediaQuery } from '../../app/context';
import { PageTools } from '../../app/PageTools';
import { Button } from '../../ui/Button';
import { Dialog } from '../../ui/Dialog';
import { TextField } from '../../ui/Field';
import { Page } from '../../ui/Page';
import { EmptyState } from '../../ui/states';
import { Cell, DashboardTitle } from './DashboardView';
import { useChanges, useDashboardData, type Dashboard } from './data';
import { contentOf, edited, isSame, newPanel, valuesOf, type Panel } from './draft';
import { EditedPanel } from './EditedPanel';
import { EditGrid } from './EditGrid';
import { compacted, moved, placeWords, resized, type Step } from './layout';
import { PanelDialog } from './PanelDialog';
import { useUnsavedGuard } from './useUnsavedGuard';
import { VariablePickers } from './VariablePickers';
import { VariablesDialog } from './VariablesDialog';

const STEPS: Partial<Record<string, Step>> = { ArrowLeft: 'left', ArrowRight: 'right', ArrowUp: 'up', ArrowDown: 'down' };
const HELP_ID = 'panel-handle-help';

/** The edit mode. Default export: it is loaded with the first dashboard that is edited. `latest` may overtake what is edited. */
export default function DashboardEditor({ latest, onDone }: { latest: Dashboard; onDone: () => void }) {
  const [base, setBase] = useState(latest);
  const [draft, change] = useReducer(edited, latest, (dashboard) => ({ ...contentOf(dashboard), panels: compacted(dashboard.panels) }));
  const [parameters] = useParameters();
  const values = useMemo(() => valuesOf(parameters, draft.variables), [parameters, draft.variables]);
  const savedValues = useMemo(() => valuesOf(parameters, base.variables), [parameters, base.variables]);
  const data = useDashboardData(base, savedValues).data;
  const [open, setOpen] = useState<{ panel: Panel } | 'variables' | 'conflict' | 'discard' | null>(null);
  const [said, setSaid] = useState('');
  const [failure, setFailure] = useState('');
  const changes = useChanges();
  const isNarrow = useMediaQuery('(max-width: 700px)');
  const isUnsaved = !isSame(draft, { ...contentOf(base), panels: compacted(base.panels) });
  const guard = useUnsavedGuard(isUnsaved && !changes.save.isSuccess);
  const linkTo = useLinkTo();
  const navigate = useNavigate();

  const save = async () => {
    setFailure('');
    try {
      setBase(await changes.save.mutateAsync({ id: base.id, version: base.version, content: draft }));
      onDone();
    } catch (error) {
      if (error instanceof ApiError && error.status === 409) setOpen('conflict');
      else setFailure(error instanceof ApiError ? [error.message, error.hint].filter((part) => part !== null).join('. ') : String(error));
    }
  };
  const saveCopy = async () => {
    try {
      const made = await changes.create.mutateAsync({ ...draft, name: `${draft.name.slice(0, 92)} (copy)` });
      void navigate(linkTo(`/dashboards/${encodeURIComponent(made.id)}`));
    } catch (error) {
      setOpen(null);
      setFailure(error instanceof Error ? error.message : String(error));
    }
  };
  const arrange = (panel: Panel, after: readonly Panel[]) => {
    const title = panel.title === '' ? 'Untitled' : panel.title;
    const place = after.find(({ id }) => id === panel.id)!.position;
    setSaid(after === draft.panels ? `${title} cannot go there` : `${title}: ${placeWords(place)}`);
    change({ kind: 'arranged', positions: after });
    // Its element may have been moved in the page, and lost the focus.
    requestAnimationFrame(() => document.querySelector<HTMLElement>(`[data-handle="${panel.id}"]`)?.focus());
  };
  const press = (panel: Panel) => (e: KeyboardEvent) => {
    const step = STEPS[e.key];
    if (step === undefined) return;
    e.preventDefault();
    arrange(panel, (e.shiftKey ? resized : moved)(draft.panels, panel.id, step));
  };
  const tools = (panel: Panel, title: string) => (
    <>
      {isNarrow && <Tool label={`Move ${title} up`} onClick={() => arrange(panel, moved(draft.panels, panel.id, 'up'))}><ArrowUp aria-hidden="true" size={14} /></Tool>}
      {isNarrow && <Tool label={`Move ${title} down`} onClick={() => arrange(panel, moved(draft.panels, panel.id, 'down'))}><ArrowDown aria-hidden="true" size={14} /></Tool>}
      <Tool label={`Edit ${title}`} onClick={() => setOpen({ panel })}><Pencil aria-hidden="true" size={13} /></Tool>
      <Tool label={`Remove ${title}`} onClick={() => { change({ kind: 'removed', id: panel.id }); setSaid(`${title} is removed`); }}><Trash2 aria-hidden="true" size={13} /></Tool>
    </>
  );
  const shown = (panel: Panel) => {
    const title = panel.title === '' ? 'Untitled' : panel.title;
    return (
      <EditedPanel
        panel={panel}
        base={base}
        saved={data}
        values={values}
        savedValues={savedValues}
        tools={tools(panel, title)}
        handle={<button type="button" className="panel-handle" data-handle={panel.id} aria-label={`Move or resize ${title}`} aria-describedby={HELP_ID} onKeyDown={press(panel)}><GripVertical aria-hidden="true" size={14} /></button>}
      />
    );
  };
  return (
    <Page
      title={<DashboardTitle name={draft.name} />}
      tools={
        <>
          <VariablePickers variables={draft.variables} values={values} />
          <PageTools environment={false} />
          <Button onClick={() => (isUnsaved ? setOpen('discard') : onDone())}>Cancel</Button>
          <Button className="primary" disabled={!isUnsaved || changes.save.isPending || draft.name.trim() === ''} onClick={() => void save()}><Save aria-hidden="true" size={14} />Save</Button>
        </>
      }
    >
      <div className="dash-editing">
        <TextField label="Name" quiet={false} maxLength={100} value={draft.name} onChange={(name) => change({ kind: 'described', name, description: draft.description })} />
        <TextField label="Description" quiet={false} maxLength={2000} value={draft.description} onChange={(description) => change({ kind: 'described', name: draft.name, description })} />
        <Button onClick={() => setOpen('variables')}><SlidersHorizontal aria-hidden="true" size={14} />Variables ({draft.variables.length})</Button>
        <Button disabled={draft.panels.length >= 50} onClick={() => setOpen({ panel: newPanel(draft.panels) })}><Plus aria-hidden="true" size={15} />Add panel</Button>
        <span role="status" className="soft dash-said">{said !== '' ? said : isUnsaved ? 'Unsaved changes' : ''}</span>
      </div>
      <p id={HELP_ID} className="soft dash-help">{isNarrow ? 'Arrows move a panel.' : 'Drag a panel by its head and its corner.'} On its handle the arrow keys move it, and with Shift resize it.</p>
      {failure !== '' && <p className="dash-failure" role="alert"><span className="tone-unhealthy" aria-hidden="true">◆ </span>{failure}</p>}
      {latest.version > base.version && <p className="dash-failure" role="status"><span className="tone-degraded" aria-hidden="true">▲ </span>{latest.author} has saved this dashboard since you began.</p>}
      {draft.panels.length === 0
        ? <EmptyState title="There are no panels yet" action={<Button className="primary" onClick={() => setOpen({ panel: newPanel([]) })}>Add one</Button>}>A panel is a query and a chart.</EmptyState>
        : isNarrow
          ? <div className="dash-grid">{compacted(draft.panels).map((panel) => <Cell key={panel.id} panel={panel}>{shown(panel)}</Cell>)}</div>
          : <EditGrid panels={compacted(draft.panels)} panel={shown} onArrange={(positions) => change({ kind: 'arranged', positions })} />}

      {typeof open === 'object' && open !== null && <PanelDialog panel={open.panel} values={values} onApply={(panel) => { change({ kind: 'panel', panel }); setOpen(null); }} onClose={() => setOpen(null)} />}
      {open === 'variables' && <VariablesDialog variables={draft.variables} onApply={(variables) => { change({ kind: 'variables', variables }); setOpen(null); }} onClose={() => setOpen(null)} />}
      {open === 'conflict' && (
        <Dialog title="Somebody was faster" onClose={() => setOpen(null)} actions={<><Button onClick={() => setOpen(null)}>Go on editing</Button><Button onClick={onDone}>Drop mine and reload</Button><Button className="primary" onClick={() => void saveCopy()}>Save mine as a copy</Button></>}>
          <p className="dash-asked">This dashboard was saved by somebody else after you had opened it. To overwrite that unseen would lose it.</p>
        </Dialog>
      )}
      {(open === 'discard' || guard.leave !== undefined) && (
        <Dialog title="Leave without saving?" onClose={() => { setOpen(null); guard.stay(); }} actions={<><Button onClick={() => { setOpen(null); guard.stay(); }}>Go on editing</Button><Button className="danger" onClick={guard.leave ?? onDone}>Discard the changes</Button></>}>
          <p className="dash-asked">Your changes to <strong>{draft.name}</strong> are not saved.</p>
        </Dialog>
      )}
    </Page>
  );
}

function Tool({ label, onClick, children }: { label: string; onClick: () => void; children: React.ReactNode }) {
  return <button type="button" className="panel-tool" aria-label={label} title={label} onClick={onClick}>{children}</button>;
}
