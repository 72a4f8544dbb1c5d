import type { ButtonHTMLAttributes } from 'react';
import './button.css';

interface ButtonProps extends ButtonHTMLAttributes<HTMLButtonElement> {
  pressed?: boolean;
}

export function Button({ pressed, className = '', ...rest }: ButtonProps) {
  return <button type="button" className={`button ${className}`} aria-pressed={pressed} {...rest} />;
}
