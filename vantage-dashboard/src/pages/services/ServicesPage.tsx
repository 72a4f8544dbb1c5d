import { useParams } from 'react-router';
import { ServiceDetail } from './ServiceDetail';
import { ServiceList } from './ServiceList';
import './services.css';

export default function ServicesPage() {
  const { service } = useParams();
  return service === undefined ? <ServiceList /> : <ServiceDetail key={service} name={service} />;
}
