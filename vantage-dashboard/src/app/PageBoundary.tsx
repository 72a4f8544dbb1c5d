import { Component, type ReactNode } from 'react';
import { Button } from '../ui/Button';
import { EmptyState } from '../ui/states';

/** A page that broke, or whose code cannot be loaded any more, says so; the rest of the app goes on. */
export class PageBoundary extends Component<{ children: ReactNode }, { error: Error | null }> {
  override state: { error: Error | null } = { error: null };

  static getDerivedStateFromError(error: Error): { error: Error } {
    return { error };
  }

  override render(): ReactNode {
    const { error } = this.state;
    if (error === null) return this.props.children;
    return (
      <EmptyState title="This page has stopped" action={<Button onClick={() => window.location.reload()}>Reload</Button>}>
        {error.message}
      </EmptyState>
    );
  }
}
