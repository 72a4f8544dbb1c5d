import type { ReactNode } from 'react';
import './page.css';

interface PageProps {
  title: ReactNode;
  /** Beside the title: what narrows the whole page. */
  tools?: ReactNode;
  children: ReactNode;
}

/** A page beside the navigation: a head that stays, and what it is about. */
export function Page({ title, tools, children }: PageProps) {
  return (
    <main className="page">
      <header className="page-head">
        <h1>{title}</h1>
        <div className="page-tools">{tools}</div>
      </header>
      <div className="page-body">{children}</div>
    </main>
  );
}

/** A framed part of a page. */
export function Card({ title, tools, children, className = '' }: { title?: ReactNode; tools?: ReactNode; children: ReactNode; className?: string }) {
  return (
    <section className={`card ${className}`}>
      {(title !== undefined || tools !== undefined) && <header className="card-head"><h2>{title}</h2>{tools}</header>}
      {children}
    </section>
  );
}
