/**
 * The keyboard: single letters move and open, none of them signs anything, and they can be switched off (WCAG 2.1.4).
 * @module
 */
import { signal } from '@preact/signals';
import type { JSX } from 'preact';
import { claimsOnOpen, setClaimsOnOpen } from './claim-on-open.js';
import { open, openTxId, signedIn } from './model.js';
import { rows } from './row-window.js';
import { page, type Page } from './pages.js';

const KEY = 'bhs-single-keys';
const enabled = signal(stored());

const HELP: readonly (readonly [string, string])[] = [
  ['j / k', 'next / previous hold'],
  ['Enter', 'open the hold under the cursor'],
  ['Esc', 'back to the queue'],
  ['a', 'to the claim button'],
  ['p', 'open the proposal (or approval) form'],
  ['e', 'to the next part of the open hold'],
  ['n', 'to the button that takes the most urgent hold'],
  ['g, then q d c s v', 'to the page: queue, days, cases, suppressions, supervisor'],
  ['x', 'tick the hold under the cursor'],
  ['/', 'search'],
  ['?', 'this list'],
];

export function KeyHelp(): JSX.Element {
  return (
    <dialog id="keys" aria-labelledby="keys-title">
      <h2 id="keys-title">Keyboard</h2>
      <dl class="keys">
        {HELP.map(([key, what]) => (
          <div key={key}>
            <dt>
              <kbd>{key}</kbd>
            </dt>
            <dd>{what}</dd>
          </div>
        ))}
      </dl>
      <label class="check">
        <input
          type="checkbox"
          checked={enabled.value}
          onChange={(event) => {
            enabled.value = event.currentTarget.checked;
            try {
              localStorage.setItem(KEY, enabled.value ? 'on' : 'off');
            } catch {
              // Without storage the choice lasts as long as the page.
            }
          }}
        />
        Single-letter shortcuts
      </label>
      <label class="check">
        <input
          type="checkbox"
          id="claims-on-open"
          checked={claimsOnOpen.value}
          onChange={(event) => {
            setClaimsOnOpen(event.currentTarget.checked);
          }}
        />
        Opening a hold that nobody works on claims it after five seconds
      </label>
      <form method="dialog" class="dialog-buttons">
        <button class="primary">Close</button>
      </form>
    </dialog>
  );
}

/** Installs the shortcuts; the result removes them. */
export function installKeys(): () => void {
  const press = (event: KeyboardEvent): void => {
    if (!signedIn() || event.ctrlKey || event.metaKey || event.altKey) return;
    const target = event.target as HTMLElement;
    if (target.closest('input, textarea, select, dialog[open]') !== null) return;
    if (event.key === 'Escape') {
      const back = openTxId.value;
      open(null);
      if (back !== null) focusRow(back);
      return;
    }
    if (!enabled.value) return;
    if (goes(event)) return;
    if (event.key === '?') {
      document.querySelector<HTMLDialogElement>('#keys')?.showModal();
      event.preventDefault();
      return;
    }
    if (page.value !== 'queue') return;
    if (event.key === 'j' || event.key === 'ArrowDown') move(event, 1);
    else if (event.key === 'k' || event.key === 'ArrowUp') move(event, -1);
    else if (event.key === 'a') reachFirst(['do-claim'], false);
    else if (event.key === 'p') reachFirst(['do-propose', 'do-approve']);
    else if (event.key === 'n') reachFirst(['take-next'], false);
    else if (event.key === 'e') nextPart();
    else if (event.key === 'x') focusedTick()?.click();
    else if (event.key === '/') document.querySelector<HTMLElement>('#search')?.focus();
    else return;
    event.preventDefault();
  };
  addEventListener('keydown', press);
  return () => {
    removeEventListener('keydown', press);
  };
}

const PAGES: Readonly<Record<string, Page>> = {
  q: 'queue',
  d: 'days',
  c: 'cases',
  s: 'suppressions',
  v: 'supervisor',
};
let going = false;

/** `g` and a letter go to a page, if this person has it. */
function goes(event: KeyboardEvent): boolean {
  const wanted = going ? PAGES[event.key] : undefined;
  going = event.key === 'g' && !going;
  if (wanted !== undefined) {
    document.querySelector<HTMLElement>(`[data-page=${wanted}]`)?.click();
    event.preventDefault();
  }
  return going || wanted !== undefined;
}

/** The part below the one that was reached last, and from the last to the first. */
function nextPart(): void {
  const parts = [...document.querySelectorAll<HTMLElement>('.detail .part')];
  const at = parts.findIndex((part) => part.contains(document.activeElement));
  const next = parts[(at + 1) % Math.max(1, parts.length)];
  next?.focus();
  next?.scrollIntoView({ block: 'start' });
}

function move(event: KeyboardEvent, by: 1 | -1): void {
  if ((event.target as HTMLElement).closest('.heat-grid') !== null) return;
  const list = rows.value ?? [];
  const focused = document.activeElement?.getAttribute('data-tx') ?? openTxId.value;
  const index = list.findIndex((hold) => hold.txId === focused);
  const next = list[Math.max(0, Math.min(list.length - 1, index + by))];
  if (next === undefined) return;
  focusRow(next.txId);
  if (openTxId.value !== null) open(next.txId);
}

function focusedTick(): HTMLElement | null {
  const row = document.activeElement?.closest('li');
  return row?.querySelector<HTMLElement>('.tick') ?? null;
}

function focusRow(txId: string): void {
  document.querySelector<HTMLElement>(`[data-tx="${txId}"]`)?.focus();
}

/** Moves to the first of the buttons that is there, or opens its form; what signs is always pressed by hand. */
function reachFirst(ids: readonly string[], click = true): void {
  const button = ids.map((id) => document.getElementById(id)).find((found) => found !== null);
  button?.focus();
  if (click) button?.click();
}

function stored(): boolean {
  try {
    return localStorage.getItem(KEY) !== 'off';
  } catch {
    return true;
  }
}
