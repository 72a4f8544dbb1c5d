import { useParams } from 'react-router';
import { useParameter } from '../../app/address';
import { PageTools } from '../../app/PageTools';
import { Page } from '../../ui/Page';
import { Tabs } from '../../ui/Tabs';
import { ServiceMapTab } from './ServiceMapTab';
import { SearchTab } from './SearchTab';
import './traces.css';
import { TraceView } from './TraceView';

const TABS = [{ name: 'search', title: 'Search' }, { name: 'map', title: 'Service map' }] as const;

export default function TracesPage() {
  const { traceId } = useParams();
  return traceId === undefined ? <AllTraces /> : <TraceView key={traceId} traceId={traceId} />;
}

function AllTraces() {
  const [named, setTab] = useParameter('tab', 'search');
  const tab = named === 'map' ? 'map' : 'search';
  return (
    <Page title="Traces" tools={<PageTools />}>
      <Tabs label="Views" tabs={TABS} value={tab} onChange={setTab}>
        {tab === 'map' ? <ServiceMapTab /> : <SearchTab />}
      </Tabs>
    </Page>
  );
}
