import { PageTools } from '../../app/PageTools';
import { Page } from '../../ui/Page';
import { EmptyState } from '../../ui/states';

export default function AlertsPage() {
  return <Page title="Alerts" tools={<PageTools />}><EmptyState title="Not built yet" /></Page>;
}
