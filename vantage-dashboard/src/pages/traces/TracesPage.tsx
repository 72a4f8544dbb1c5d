import { PageTools } from '../../app/PageTools';
import { Page } from '../../ui/Page';
import { EmptyState } from '../../ui/states';

export default function TracesPage() {
  return <Page title="Traces" tools={<PageTools />}><EmptyState title="Not built yet" /></Page>;
}
