import { Link } from 'react-router';
import { useLinkTo, useParameter } from '../../app/address';
import { RangePicker } from '../../app/PageTools';
import { Page } from '../../ui/Page';
import { ActiveTab } from './ActiveTab';
import './alerts.css';
import { ChannelsTab } from './ChannelsTab';
import { HistoryTab } from './HistoryTab';
import { useLiveAlerts } from './live';
import { useActive } from './queries';
import { RulesTab } from './RulesTab';
import { SilencesTab } from './SilencesTab';

const TABS = [
  { id: 'active', name: 'Active', Tab: ActiveTab },
  { id: 'rules', name: 'Rules', Tab: RulesTab },
  { id: 'silences', name: 'Silences', Tab: SilencesTab },
  { id: 'history', name: 'History', Tab: HistoryTab },
  { id: 'channels', name: 'Channels', Tab: ChannelsTab },
] as const;

export default function AlertsPage() {
  const [tab] = useParameter('tab', 'active');
  const current = TABS.find(({ id }) => id === tab) ?? TABS[0];
  const isLive = useLiveAlerts();
  return (
    <Page title="Alerts" tools={<Tools tab={current.id} isLive={isLive} />}>
      <Tabs current={current.id} />
      <current.Tab />
    </Page>
  );
}

function Tools({ tab, isLive }: { tab: string; isLive: boolean }) {
  return (
    <>
      <span className="soft alerts-live" data-testid="alerts-live">
        <span className={isLive ? 'tone-healthy' : 'tone-unknown'} aria-hidden="true">{isLive ? '●' : '○'}</span> {isLive ? 'Live' : 'Every 15 s'}
      </span>
      {tab === 'history' && <RangePicker />}
    </>
  );
}

function Tabs({ current }: { current: string }) {
  const linkTo = useLinkTo();
  const firing = useActive().data?.firing ?? 0;
  return (
    <nav className="alerts-tabs" aria-label="Alerts">
      {TABS.map(({ id, name }) => (
        <Link key={id} to={linkTo('/alerts', id === 'active' ? {} : { tab: id })} aria-current={id === current ? 'page' : undefined}>
          {name}
          {id === 'active' && firing > 0 && <span className="alerts-count num">{firing}<span className="visually-hidden"> firing</span></span>}
        </Link>
      ))}
    </nav>
  );
}
