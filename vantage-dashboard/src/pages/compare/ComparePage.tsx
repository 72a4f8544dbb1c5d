import { PageTools } from '../../app/PageTools';
import { Page } from '../../ui/Page';
import { EmptyState } from '../../ui/states';

export default function ComparePage() {
  return <Page title="Compare" tools={<PageTools />}><EmptyState title="Not built yet" /></Page>;
}
