import { PageTools } from '../../app/PageTools';
import { Page } from '../../ui/Page';
import { EmptyState } from '../../ui/states';

export default function SettingsPage() {
  return <Page title="Settings" tools={<PageTools />}><EmptyState title="Not built yet" /></Page>;
}
