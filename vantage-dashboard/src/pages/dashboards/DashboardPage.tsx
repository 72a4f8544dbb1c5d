import { lazy, Suspense } from 'react';
import { Link } from 'react-router';
import { ApiError } from '../../api/client';
import { useLinkTo, useParameter } from '../../app/address';
import { Page } from '../../ui/Page';
import { Answer, EmptyState, Loading } from '../../ui/states';
import { DashboardView } from './DashboardView';
import { useDashboard } from './data';
import './dashboards.css';

// The grid that is dragged on and the editor of queries: who only looks does not load them.
const DashboardEditor = lazy(() => import('./DashboardEditor'));

export function DashboardPage({ id }: { id: string }) {
  const asked = useDashboard(id);
  const [edit, setEdit] = useParameter('edit');
  const linkTo = useLinkTo();
  if (asked.data === undefined) {
    const isGone = asked.error instanceof ApiError && asked.error.status === 404;
    return (
      <Page title={<Link to={linkTo('/dashboards')}>Dashboards</Link>}>
        {isGone ? <EmptyState title="There is no such dashboard">It may have been deleted.</EmptyState> : <Answer of={asked}>{() => null}</Answer>}
      </Page>
    );
  }
  const dashboard = asked.data;
  if (edit === '1' && !dashboard.read_only)
    return (
      <Suspense fallback={<Loading />}>
        <DashboardEditor latest={dashboard} onDone={() => setEdit('')} />
      </Suspense>
    );
  return <DashboardView dashboard={dashboard} onEdit={() => setEdit('1')} />;
}
