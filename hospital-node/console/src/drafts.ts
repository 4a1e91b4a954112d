/**
 * What somebody typed and has not sent yet: it outlives the form, the hold that is looked at in between, and the end of a
 * session. It lies in this tab, for the person who typed it and for nobody else.
 * @module
 */
import { effect, signal, type Signal } from '@preact/signals';

const KEY = 'bhs-drafts';

interface Kept {
  readonly owner: string;
  readonly texts: Readonly<Record<string, string>>;
}

let owner = '';
const drafts = new Map<string, Signal<string>>();

/** @param name - hold and form; the same name is the same text */
export function draft(name: string): Signal<string> {
  const known = drafts.get(name);
  if (known !== undefined) return known;
  const made = signal('');
  drafts.set(name, made);
  effect(() => {
    if (made.value !== '' || stored().texts[name] !== undefined) store();
  });
  return made;
}

/** The step was taken, so nothing of it is left to send. */
export function forget(...names: readonly string[]): void {
  for (const name of names) draft(name).value = '';
}

/** Somebody signed in: her own come back, another person's are gone. */
export function draftsBelongTo(person: string): void {
  const kept = stored();
  const texts = kept.owner === person ? kept.texts : {};
  if (owner !== person) for (const each of drafts.values()) each.value = '';
  owner = person;
  for (const [name, text] of Object.entries(texts)) draft(name).value = text;
  store();
}

/** Signing out is meant: nothing is kept. */
export function forgetAll(): void {
  for (const each of drafts.values()) each.value = '';
  owner = '';
  store();
}

function store(): void {
  const texts = Object.fromEntries(
    [...drafts].filter(([, { value }]) => value !== '').map(([name, { value }]) => [name, value]),
  );
  try {
    sessionStorage.setItem(KEY, JSON.stringify({ owner, texts } satisfies Kept));
  } catch {
    // Without storage the text lasts as long as the page.
  }
}

function stored(): Kept {
  try {
    return JSON.parse(sessionStorage.getItem(KEY) ?? '') as Kept;
  } catch {
    return { owner: '', texts: {} };
  }
}
