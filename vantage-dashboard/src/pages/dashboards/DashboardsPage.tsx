import { useParams } from 'react-router';
import { DashboardList } from './DashboardList';
import { DashboardPage } from './DashboardPage';

export default function DashboardsPage() {
  const { dashboard } = useParams();
  return dashboard === undefined ? <DashboardList /> : <DashboardPage key={dashboard} id={dashboard} />;
}
