import { Ellipsis } from 'lucide-react';
import { Suspense, useEffect, useRef, useState } from 'react';
import { NavLink, Route, Routes, useLocation } from 'react-router';
import { useStore } from 'zustand';
import { apiKey, giveKey } from '../api/apiKey';
import { KeyDialog } from '../panels/KeyDialog';
import { EmptyState } from '../ui/states';
import { useLinkTo } from './address';
import { useHud } from './context';
import { PageBoundary } from './PageBoundary';
import { ROUTES, type PageRoute } from './routes';
import './shell.css';

/** The navigation and the page beside it. */
export function Shell() {
  const keyState = useStore(apiKey);
  return (
    <div className="shell">
      <a className="skip" href="#page">Skip to the page</a>
      <Navigation />
      <div id="page" className="shell-page" tabIndex={-1}>
        <Pages />
      </div>
      {keyState.refused && <KeyDialog wrong={keyState.key !== null} onKey={giveKey} />}
    </div>
  );
}

function Pages() {
  const { pathname } = useLocation();
  useEffect(() => {
    const name = ROUTES.find((route) => route.path === pathname || (route.path !== '/' && pathname.startsWith(`${route.path}/`)))?.name;
    document.title = name === undefined ? 'Vantage' : `${name} · Vantage`;
  }, [pathname]);
  return (
    <PageBoundary key={pathname.split('/')[1]}>
      <Suspense fallback={<p className="shell-loading soft" role="status">Loading…</p>}>
        <Routes>
          {ROUTES.flatMap(({ path, also = [], Page }) => [path, ...also].map((each) => <Route key={each} path={each} element={<Page />} />))}
          <Route path="*" element={<EmptyState title="There is no such page">The address leads nowhere. The navigation has every page there is.</EmptyState>} />
        </Routes>
      </Suspense>
    </PageBoundary>
  );
}

function Navigation() {
  const [isOpen, setIsOpen] = useState(false);
  const more = useRef<HTMLButtonElement>(null);
  useEffect(() => {
    if (!isOpen) return;
    const close = (e: KeyboardEvent) => {
      if (e.key !== 'Escape') return;
      e.preventDefault();
      setIsOpen(false);
      more.current?.focus();
    };
    window.addEventListener('keydown', close);
    return () => window.removeEventListener('keydown', close);
  }, [isOpen]);
  return (
    <nav className="nav" aria-label="Pages" data-open={isOpen || undefined}>
      {ROUTES.map((route) => <NavigationEntry key={route.path} route={route} onChosen={() => setIsOpen(false)} />)}
      <button ref={more} type="button" className="nav-entry nav-more" aria-expanded={isOpen} onClick={() => setIsOpen(!isOpen)}>
        <Ellipsis aria-hidden="true" size={20} />
        <span>More</span>
      </button>
    </nav>
  );
}

function NavigationEntry({ route: { path, name, icon: Icon, first }, onChosen }: { route: PageRoute; onChosen: () => void }) {
  const linkTo = useLinkTo();
  const firing = useHud((hud) => hud.fleet?.alerts_firing ?? 0);
  const badge = path === '/alerts' && firing > 0 ? firing : null;
  return (
    <NavLink to={linkTo(path)} end={path === '/'} className="nav-entry" data-first={first || undefined} onClick={onChosen}>
      <Icon aria-hidden="true" size={20} strokeWidth={1.75} />
      <span>{name}</span>
      {badge !== null && <span className="nav-badge num">{badge}<span className="visually-hidden"> firing</span></span>}
    </NavLink>
  );
}
