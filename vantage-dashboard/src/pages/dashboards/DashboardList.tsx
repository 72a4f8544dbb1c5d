import { Plus, Upload } from 'lucide-react';
import { useRef, useState } from 'react';
import { Link, useNavigate } from 'react-router';
import type { Api } from '../../api/types';
import { useLinkTo, useParameter } from '../../app/address';
import { Button } from '../../ui/Button';
import { DataTable } from '../../ui/DataTable';
import { Dialog } from '../../ui/Dialog';
import { SettledField, TextField } from '../../ui/Field';
import { Page } from '../../ui/Page';
import type { Column } from '../../ui/sortedRows';
import { Answer, EmptyState } from '../../ui/states';
import { timeText } from '../query/results/cells';
import { saveFile } from '../query/save';
import { exported, useChanges, useDashboards } from './data';
import './dashboards.css';

type Summary = Api<'DashboardSummary'>;

export function DashboardList() {
  const asked = useDashboards();
  const changes = useChanges();
  const [search, setSearch] = useParameter('search');
  const [sort, setSort] = useParameter('sort', 'name');
  const [isCreating, setIsCreating] = useState(false);
  const [leaving, setLeaving] = useState<Summary | null>(null);
  const [failure, setFailure] = useState('');
  const linkTo = useLinkTo();
  const navigate = useNavigate();
  const open = (id: string, parameters: Record<string, string> = {}) => void navigate(linkTo(`/dashboards/${encodeURIComponent(id)}`, parameters));
  const tried = (action: Promise<unknown>) => {
    setFailure('');
    action.catch((error: unknown) => setFailure(error instanceof Error ? error.message : String(error)));
  };
  const columns: Column<Summary>[] = [
    { key: 'name', title: 'Name', sortBy: ({ name }) => name, cell: ({ id, name, read_only }) => <><Link to={linkTo(`/dashboards/${encodeURIComponent(id)}`)}>{name}</Link>{read_only && <span className="panel-note dash-builtin">built in</span>}</> },
    { key: 'description', title: 'Description', wide: true, cell: ({ description }) => <span className="soft dash-description">{description.slice(0, 300)}</span> },
    { key: 'panels', title: 'Panels', numeric: true, sortBy: ({ panels }) => panels, cell: ({ panels }) => panels },
    { key: 'changed', title: 'Changed', wide: true, sortBy: ({ changed_at }) => changed_at, cell: ({ changed_at, author, read_only }) => <span className="soft">{read_only ? '–' : `${timeText(changed_at - (changed_at % 1000))} by ${author.slice(0, 60)}`}</span> },
    {
      key: 'actions',
      title: 'Actions',
      cell: (each) => (
        <span className="dash-actions">
          <Button className="ghost" aria-label={`Duplicate ${each.name}`} onClick={() => tried(changes.duplicate.mutateAsync(each.id))}>Duplicate</Button>
          <Button className="ghost" aria-label={`Export ${each.name}`} onClick={() => tried(download(each.id))}>Export</Button>
          {!each.read_only && <Button className="ghost" aria-label={`Delete ${each.name}`} onClick={() => setLeaving(each)}>Delete</Button>}
        </span>
      ),
    },
  ];
  const create = async (name: string, description: string) => {
    const { id } = await changes.create.mutateAsync({ name, description, variables: [], panels: [] });
    open(id, { edit: '1' });
  };
  return (
    <Page
      title="Dashboards"
      tools={
        <>
          <SettledField label="Search dashboards" placeholder="Search" type="search" value={search} onChange={setSearch} />
          <ImportButton onFile={(file) => tried(changes.imported.mutateAsync(file).then(({ id }) => open(id)))} onFailure={setFailure} />
          <Button className="primary" onClick={() => setIsCreating(true)}><Plus aria-hidden="true" size={15} />New dashboard</Button>
        </>
      }
    >
      {failure !== '' && <p className="dash-failure" role="alert"><span className="tone-unhealthy" aria-hidden="true">◆ </span>{failure}</p>}
      <Answer of={asked}>
        {({ dashboards }) => {
          const shown = dashboards.filter(({ name, description }) => `${name} ${description}`.toLowerCase().includes(search.toLowerCase()));
          return shown.length === 0
            ? <EmptyState title="No dashboard fits" action={<Button onClick={() => setSearch('')}>Show all</Button>} />
            : <DataTable caption="Dashboards" columns={columns} rows={shown} rowKey={({ id }) => id} sort={sort} onSort={setSort} />;
        }}
      </Answer>
      {isCreating && <CreateDialog onCreate={create} onClose={() => setIsCreating(false)} />}
      {leaving && (
        <Dialog
          title="Delete this dashboard?"
          onClose={() => setLeaving(null)}
          actions={
            <>
              <Button onClick={() => setLeaving(null)}>Keep it</Button>
              <Button className="danger" onClick={() => { tried(changes.remove.mutateAsync(leaving.id)); setLeaving(null); }}>Delete</Button>
            </>
          }
        >
          <p className="dash-asked"><strong>{leaving.name}</strong> and its {leaving.panels} panels are gone then, for everybody. An export would keep a copy.</p>
        </Dialog>
      )}
    </Page>
  );
}

async function download(id: string): Promise<void> {
  const file = await exported(id);
  saveFile(`dashboard-${id}.json`, new Blob([JSON.stringify(file, null, 2)], { type: 'application/json' }));
}

function ImportButton({ onFile, onFailure }: { onFile: (file: Api<'Export'>) => void; onFailure: (message: string) => void }) {
  const input = useRef<HTMLInputElement>(null);
  const read = async (file: File) => {
    try {
      // The API checks what is in it.
      onFile(JSON.parse(await file.text()) as Api<'Export'>);
    } catch {
      onFailure(`${file.name} is no JSON file`);
    }
  };
  return (
    <>
      <input
        ref={input}
        type="file"
        accept="application/json,.json"
        className="visually-hidden"
        tabIndex={-1}
        aria-label="Dashboard file to import"
        onChange={({ target }) => {
          const file = target.files?.[0];
          if (file) void read(file);
          target.value = '';
        }}
      />
      <Button onClick={() => input.current?.click()}><Upload aria-hidden="true" size={14} />Import</Button>
    </>
  );
}

function CreateDialog({ onCreate, onClose }: { onCreate: (name: string, description: string) => Promise<void>; onClose: () => void }) {
  const [name, setName] = useState('');
  const [description, setDescription] = useState('');
  const [failure, setFailure] = useState('');
  const create = () => {
    if (name.trim() !== '') onCreate(name.trim(), description).catch((error: unknown) => setFailure(error instanceof Error ? error.message : String(error)));
  };
  return (
    <Dialog title="New dashboard" onClose={onClose} actions={<><Button onClick={onClose}>Cancel</Button><Button className="primary" disabled={name.trim() === ''} onClick={create}>Create</Button></>}>
      <form className="dash-form" onSubmit={(e) => { e.preventDefault(); create(); }}>
        <TextField label="Name" quiet={false} maxLength={100} required value={name} onChange={setName} />
        <TextField label="Description" quiet={false} maxLength={2000} value={description} onChange={setDescription} />
        <button type="submit" className="visually-hidden" tabIndex={-1} aria-hidden="true">Create</button>
      </form>
      {failure !== '' && <p role="alert">{failure}</p>}
    </Dialog>
  );
}
