import { Component, type ReactNode } from 'react';

interface Props {
  onFailed: () => void;
  children: ReactNode;
}

/** A graphics failure costs the picture, not the page. */
export class CityBoundary extends Component<Props, { failed: boolean }> {
  override state = { failed: false };

  static getDerivedStateFromError(): { failed: boolean } {
    return { failed: true };
  }

  override componentDidCatch(error: Error): void {
    console.error('The city could not be drawn; the table takes its place.', error);
    this.props.onFailed();
  }

  override render(): ReactNode {
    return this.state.failed ? null : this.props.children;
  }
}
