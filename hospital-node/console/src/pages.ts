/**
 * Which page is shown; it stands behind the `#` of the address, so that the browser's own back button works.
 * @module
 */
import { signal } from '@preact/signals';

export type Page = 'queue' | 'days' | 'cases' | 'suppressions' | 'supervisor';

export const page = signal<Page>('queue');
export const openCase = signal<number | null>(null);
export const openDay = signal<number | null>(null);
/** Whose day it is, once it is read: what a tab is called. */
export const openDayWord = signal<string | null>(null);

const WORDS: Readonly<Record<Page, string>> = {
  queue: 'Queue',
  days: 'Days',
  cases: 'Cases',
  suppressions: 'Suppressions',
  supervisor: 'Supervisor',
};

/** Suppressions and figures about colleagues' work are for those who answer for the review. */
const LEADS: readonly string[] = ['supervisor', 'privacy-officer'];

export function leads(role: string): boolean {
  return LEADS.includes(role);
}

export function pagesFor(role: string): readonly { readonly name: Page; readonly word: string }[] {
  const names: readonly Page[] =
    leads(role) || role === 'auditor'
      ? ['queue', 'days', 'cases', 'suppressions', 'supervisor']
      : ['queue', 'days', 'cases', 'suppressions'];
  return names.map((name) => ({ name, word: WORDS[name] }));
}

export function hrefOf(name: Page, id?: number): string {
  return name === 'queue' ? '#/' : `#/${name}${id === undefined ? '' : `/${id}`}`;
}

export function watchPage(): () => void {
  const read = (): void => {
    const match = /^#\/(days|cases|suppressions|supervisor)(?:\/(\d{1,9}))?$/.exec(location.hash);
    page.value = (match?.[1] as Page | undefined) ?? 'queue';
    const id = match?.[2] === undefined ? null : Number(match[2]);
    openCase.value = page.value === 'cases' ? id : null;
    openDay.value = page.value === 'days' ? id : null;
  };
  read();
  addEventListener('hashchange', read);
  return () => {
    removeEventListener('hashchange', read);
  };
}
