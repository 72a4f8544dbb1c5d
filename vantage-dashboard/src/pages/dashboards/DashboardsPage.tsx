import { PageTools } from '../../app/PageTools';
import { Page } from '../../ui/Page';
import { EmptyState } from '../../ui/states';

export default function DashboardsPage() {
  return <Page title="Dashboards" tools={<PageTools />}><EmptyState title="Not built yet" /></Page>;
}
