import { PageTools } from '../../app/PageTools';
import { Page } from '../../ui/Page';
import { EmptyState } from '../../ui/states';

export default function ServicesPage() {
  return <Page title="Services" tools={<PageTools />}><EmptyState title="Not built yet" /></Page>;
}
