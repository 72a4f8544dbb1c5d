import { QueryClientProvider } from '@tanstack/react-query';
import { StrictMode } from 'react';
import { createRoot } from 'react-dom/client';
import { BrowserRouter } from 'react-router';
import { apiKey, keyRefused } from '../api/apiKey';
import { Vantage } from '../perf/vantage';
import { App } from './context';
import { createQueries } from './queries';
import { Session } from './session';
import { Shell } from './Shell';
import { applyTheme } from './theme';
import './theme.css';

const address = new URLSearchParams(window.location.search);
const session = new Session();
const queries = createQueries();

if (address.get('vantage') === '1') window.__vantage = new Vantage(session.world);
applyTheme();

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
      <App value={{ session }}>
        <BrowserRouter>
          <Shell />
        </BrowserRouter>
      </App>
    </QueryClientProvider>
  </StrictMode>,
);
