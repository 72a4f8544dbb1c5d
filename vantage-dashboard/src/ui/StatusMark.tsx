import type { ReactNode } from 'react';

interface StatusMarkProps {
  glyph: string;
  tone: string;
  children?: ReactNode;
}

/** A status as shape, colour and, when given, word. */
export function StatusMark({ glyph, tone, children }: StatusMarkProps) {
  return (
    <span className={`tone-${tone}`}>
      <span aria-hidden="true">{glyph}</span>
      {children !== undefined && <> {children}</>}
    </span>
  );
}
