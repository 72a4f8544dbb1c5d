import { Link } from 'react-router';
import { useLinkTo, useParameter } from '../../app/address';
import { Page } from '../../ui/Page';
import { Appearance } from './Appearance';
import { AuditTrail } from './AuditTrail';
import { BrowserCard } from './BrowserCard';
import { CityCard } from './CityCard';
import { KeyCard } from './KeyCard';
import { KeyboardCard } from './KeyboardCard';
import { ServerCard } from './ServerCard';
import './settings.css';

const AUDIT = 'audit';

export default function SettingsPage() {
  const [tab] = useParameter('tab');
  const linkTo = useLinkTo();
  return (
    <Page title="Settings">
      <nav className="settings-tabs" aria-label="Settings">
        <Link to={linkTo('/settings')} aria-current={tab === AUDIT ? undefined : 'page'}>This browser and the server</Link>
        <Link to={linkTo('/settings', { tab: AUDIT })} aria-current={tab === AUDIT ? 'page' : undefined}>Audit trail</Link>
      </nav>
      {tab === AUDIT ? <AuditTrail /> : <Cards />}
    </Page>
  );
}

function Cards() {
  return (
    <div className="settings-cards">
      <Appearance />
      <CityCard />
      <KeyCard />
      <ServerCard />
      <BrowserCard />
      <KeyboardCard />
    </div>
  );
}
