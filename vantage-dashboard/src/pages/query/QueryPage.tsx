import { PageTools } from '../../app/PageTools';
import { Page } from '../../ui/Page';
import { EmptyState } from '../../ui/states';

export default function QueryPage() {
  return <Page title="Query" tools={<PageTools />}><EmptyState title="Not built yet" /></Page>;
}
