import { PageTools } from '../../app/PageTools';
import { Page } from '../../ui/Page';
import { EmptyState } from '../../ui/states';

export default function LogsPage() {
  return <Page title="Logs" tools={<PageTools />}><EmptyState title="Not built yet" /></Page>;
}
