/**
 * Which page is open: the part after `#` of the address, so that every view is a link and Back works.
 * @module
 */
import { signal } from '@preact/signals';

export const PAGES = [
  ['rounds', 'Rounds'],
  ['nodes', 'Nodes'],
  ['privacy', 'Privacy'],
  ['models', 'Models'],
  ['updates', 'Quarantine'],
  ['metrics', 'Metrics'],
  ['audit', 'Audit'],
] as const;

export type PageName = (typeof PAGES)[number][0];

export interface Route {
  readonly page: PageName;
  /** A round's page: slot and attempt. */
  readonly round: Readonly<{ slot: number; attempt: number }> | null;
}

const RETURN_KEY = 'bhs-return';

/** Before the browser leaves for the sign-in service: it comes back to this page. */
export function rememberPage(): void {
  try {
    sessionStorage.setItem(RETURN_KEY, location.hash);
  } catch {
    // Storage may be switched off; she then comes back to the first page.
  }
}

function rememberedPage(): void {
  try {
    const hash = sessionStorage.getItem(RETURN_KEY);
    sessionStorage.removeItem(RETURN_KEY);
    if (hash !== null && location.hash === '')
      history.replaceState(null, '', `/${location.search}${hash}`);
  } catch {
    // As above.
  }
}

rememberedPage();
export const route = signal<Route>(read());

export function startRouter(): void {
  addEventListener('hashchange', () => {
    route.value = read();
    document.getElementById('page')?.focus();
    scrollTo(0, 0);
  });
}

export function roundLink(o: Readonly<{ slotIndex: number; attempt: number }>): string {
  return `#rounds/${o.slotIndex}/${o.attempt}`;
}

function read(): Route {
  const [name, slot, attempt] = location.hash.slice(1).split('/');
  const page = PAGES.find(([each]) => each === name)?.[0] ?? 'rounds';
  const numbers = [slot, attempt].map(Number);
  return page === 'rounds' && slot !== undefined && numbers.every(Number.isSafeInteger)
    ? { page, round: { slot: numbers[0]!, attempt: numbers[1]! } }
    : { page, round: null };
}
