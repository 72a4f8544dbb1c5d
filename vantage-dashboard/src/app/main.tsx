import { QueryClient, QueryClientProvider } from '@tanstack/react-query';
import { StrictMode } from 'react';
import { createRoot } from 'react-dom/client';
import { apiKey, keyRefused } from '../api/apiKey';
import { ApiError } from '../api/client';
import { CityPage } from '../pages/CityPage';
import { Vantage } from '../perf/vantage';
import { App } from './context';
import { Session } from './session';
import './theme.css';
import { createView, syncAddress } from './view';

const address = new URLSearchParams(window.location.search);
const session = new Session();
const view = createView(address);
const queries = new QueryClient({
  defaultOptions: {
    queries: {
      staleTime: 2000,
      // What the server refused it will refuse again.
      retry: (failures, error) => failures < 2 && !(error instanceof ApiError && error.status < 500),
      refetchOnWindowFocus: false,
    },
  },
});

if (address.get('vantage') === '1') window.__vantage = new Vantage(() => session.world.rows());
syncAddress(view);

function connect(): void {
  const { key } = apiKey.getState();
  session.start(key, () => keyRefused(key));
}

connect();
apiKey.subscribe(({ key }, before) => {
  if (key === before.key) return;
  connect();
  void queries.invalidateQueries();
});

createRoot(document.getElementById('root')!).render(
  <StrictMode>
    <QueryClientProvider client={queries}>
      <App value={{ session, view }}>
        <CityPage />
      </App>
    </QueryClientProvider>
  </StrictMode>,
);
