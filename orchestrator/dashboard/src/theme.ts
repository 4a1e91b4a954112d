/**
 * Light or dark: the system's choice until a person makes another.
 * @module
 */
import { signal } from '@preact/signals';

export type Theme = 'system' | 'light' | 'dark';
const KEY = 'bhs-theme';

export const theme = signal<Theme>(stored());

export function applyTheme(): void {
  const root = document.documentElement;
  if (theme.value === 'system') root.removeAttribute('data-theme');
  else root.setAttribute('data-theme', theme.value);
}

export function nextTheme(): void {
  const order: readonly Theme[] = ['system', 'light', 'dark'];
  theme.value = order[(order.indexOf(theme.value) + 1) % order.length]!;
  try {
    localStorage.setItem(KEY, theme.value);
  } catch {
    // Storage may be switched off; the choice then lasts as long as the page.
  }
  applyTheme();
}

function stored(): Theme {
  try {
    const value = localStorage.getItem(KEY);
    return value === 'light' || value === 'dark' ? value : 'system';
  } catch {
    return 'system';
  }
}
