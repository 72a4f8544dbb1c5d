import { PageTools } from '../../app/PageTools';
import { Page } from '../../ui/Page';
import { EmptyState } from '../../ui/states';

export default function MetricsPage() {
  return <Page title="Metrics" tools={<PageTools />}><EmptyState title="Not built yet" /></Page>;
}
