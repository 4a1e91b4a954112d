/**
 * The page's state: who is signed in, the queue, the open hold. Rows never move under the cursor: what is new waits
 * behind a counter until it is asked for, and a row that changed is changed in place.
 * @module
 */
import { signal } from '@preact/signals';
import { ask, newIdempotencyKey, Problem, rememberSession } from './api.js';
import type { Hold, HoldDetail, HoldPage, Session, Status } from '../../src/http/answers.js';
import { filter, queryOf, readAddress, writeAddress, type Filter } from './filter.js';
import { listen } from './live.js';
import { changeWord } from './words.js';

export const session = signal<Session | null | undefined>(undefined);
export const status = signal<Status | null>(null);
/** How many holds the list has in all, counted to 1,000. */
export const countUpTo = signal<number | null>(null);
export const rows = signal<readonly Hold[] | null>(null);
export const next = signal<string | null>(null);
export const fresh = signal<readonly Hold[]>([]);
/** Rows of the list that are no longer in it; they stay where they are until the list is asked for again. */
export const gone = signal<ReadonlySet<string>>(new Set());
export const openTxId = signal<string | null>(null);
export const detail = signal<HoldDetail | null>(null);
/** Why the panel in question shows nothing; null: all is well. */
export const queueProblem = signal<string | null>(null);
export const detailProblem = signal<string | null>(null);
export const offline = signal(false);
export const nowMs = signal(Date.now());
/** Said by the live region and shown as a toast. */
export const notice = signal<{
  readonly text: string;
  readonly kind: 'ok' | 'bad';
  readonly undo: (() => Promise<void>) | null;
} | null>(null);

/** Holds that a bulk step is for: ids frozen when they were ticked, with the version that was shown. */
export const selected = signal<ReadonlyMap<string, Hold>>(new Map());

let noticeTimer = 0;
let stopListening = (): void => undefined;

export async function start(): Promise<void> {
  readHash();
  readAddress();
  addEventListener('hashchange', readHash);
  addEventListener('popstate', () => {
    if (readAddress() && signedIn()) void loadQueue();
  });
  try {
    const { signedIn: known } = await ask<{ signedIn: boolean }>('GET', '/about');
    session.value = known ? rememberSession(await ask<Session>('GET', '/session')) : null;
    if (known) await enter();
  } catch {
    session.value = null;
  }
  setInterval(() => (nowMs.value = Date.now()), 10_000);
}

export async function signIn(name: string, password: string): Promise<void> {
  session.value = rememberSession(await ask<Session>('POST', '/session', { name, password }));
  await enter();
}

export function signedIn(): boolean {
  return session.value !== null && session.value !== undefined;
}

/** For who signed in elsewhere, and after a restart of the node. */
export async function unlockKey(password: string): Promise<void> {
  session.value = rememberSession(await ask<Session>('POST', '/session/key', { password }));
}

export async function signOut(): Promise<void> {
  const farewell = await ask<{ continueAt: string | null }>('DELETE', '/session').catch(() => null);
  leave();
  // The identity provider has a session of its own to end.
  if (typeof farewell?.continueAt === 'string') location.assign(farewell.continueAt);
}

/** Back to the sign-in form, with nothing of the queue left on the screen. */
function leave(): void {
  stopListening();
  session.value = null;
  rows.value = null;
  detail.value = null;
  selected.value = new Map();
}

export function seesHolds(): boolean {
  return session.value?.person.role !== 'admin';
}

async function enter(): Promise<void> {
  if (!seesHolds()) return;
  stopListening = listen({
    onHolds: () => void refresh(),
    onStatus: (facts) => {
      status.value = facts;
    },
    onConnection: (connected) => {
      offline.value = !connected;
    },
    onSignedOut: leave,
  });
  await loadQueue();
  if (openTxId.value !== null) await loadDetail();
}

export async function loadQueue(): Promise<void> {
  try {
    const page = await fetchPage(null);
    rows.value = page.items;
    next.value = page.next;
    countUpTo.value = page.countUpTo;
    fresh.value = [];
    gone.value = new Set();
    queueProblem.value = null;
  } catch (error) {
    queueProblem.value = sentence(error);
  }
}

export async function loadMore(): Promise<void> {
  if (next.value === null) return;
  try {
    const page = await fetchPage(next.value);
    rows.value = [...(rows.value ?? []), ...page.items];
    next.value = page.next;
  } catch (error) {
    tell(sentence(error), 'bad');
  }
}

export function showFresh(): void {
  rows.value = [...(rows.value ?? []), ...fresh.value].sort(
    (a, b) => Date.parse(a.deadlineAt) - Date.parse(b.deadlineAt),
  );
  fresh.value = [];
}

/** Another view or filter: the address says which, so that it can be kept and shared. */
export async function choose(change: Partial<Filter>): Promise<void> {
  writeAddress(change);
  rows.value = null;
  selected.value = new Map();
  await loadQueue();
}

/** After the address was changed from elsewhere: a saved view. */
export async function showAddress(): Promise<void> {
  readAddress();
  rows.value = null;
  selected.value = new Map();
  await loadQueue();
}

/** The most urgent hold that nobody works on, claimed and opened. */
export async function takeNext(): Promise<void> {
  try {
    const hold = await ask<HoldDetail>('POST', '/assignments', {});
    open(hold.txId);
    tell(`${hold.id} is yours.`, 'ok');
  } catch (error) {
    tell(sentence(error), 'bad');
    if (error instanceof Problem && error.status === 401) leave();
  }
}

/** Whether this person takes part in the review, or only reads. */
export function reviews(): boolean {
  return ['analyst', 'supervisor', 'privacy-officer'].includes(session.value?.person.role ?? '');
}

export function select(hold: Hold, on: boolean): void {
  const next = new Map(selected.value);
  if (on) next.set(hold.txId, hold);
  else next.delete(hold.txId);
  selected.value = next;
}

export function open(txId: string | null): void {
  location.hash = txId === null ? '' : `#/hold/${txId}`;
}

export async function loadDetail(): Promise<void> {
  const txId = openTxId.value;
  if (txId === null) return;
  try {
    const hold = await ask<HoldDetail>('GET', `/holds/${txId}`);
    if (openTxId.value === txId) showDetail(hold);
  } catch (error) {
    detail.value = null;
    detailProblem.value = sentence(error);
  }
}

/** One step of a review. True when it was taken; a refusal is shown, and what changed is loaded. */
export async function take(hold: Hold, noun: string, body: object = {}): Promise<boolean> {
  try {
    const changed = await ask<HoldDetail>('POST', `/holds/${hold.txId}/${noun}`, body, {
      'if-match': `"${hold.txId}.${hold.version}"`,
      'idempotency-key': newIdempotencyKey(),
    });
    showDetail(changed);
    return true;
  } catch (error) {
    if (error instanceof Problem && error.code === 'ERR_HOLD_STALE') {
      await loadDetail();
      tell(`${error.message} ${error.changed.map(changeWord).join(' ')}`, 'bad');
    } else {
      tell(sentence(error), 'bad');
    }
    if (error instanceof Problem && error.status === 401) leave();
    return false;
  }
}

/** @param undo - offered beside the words for as long as they stand */
export function tell(text: string, kind: 'ok' | 'bad', undo?: () => Promise<void>): void {
  notice.value = { text, kind, undo: undo ?? null };
  clearTimeout(noticeTimer);
  const shownMs = kind === 'ok' && undo === undefined ? 6_000 : 12_000;
  noticeTimer = setTimeout(() => (notice.value = null), shownMs);
}

function showDetail(hold: HoldDetail): void {
  detail.value = hold;
  detailProblem.value = null;
  rows.value = rows.value?.map((row) => (row.txId === hold.txId ? hold : row)) ?? null;
}

function readHash(): void {
  const match = /^#\/hold\/([0-9a-f]{64})$/.exec(location.hash);
  const txId = match?.[1] ?? null;
  if (txId === openTxId.value) return;
  openTxId.value = txId;
  detail.value = null;
  detailProblem.value = null;
  if (signedIn()) void loadDetail();
}

function fetchPage(after: string | null): Promise<HoldPage> {
  const query = queryOf(filter.value);
  query.set('limit', '50');
  if (after !== null) query.set('after', after);
  return ask('GET', `/holds?${query.toString()}`);
}

function shownRows(): readonly Hold[] {
  return rows.value ?? [];
}

/** Something happened: rows are changed in place, new ones wait behind their counter. */
async function refresh(): Promise<void> {
  if (rows.value === null) return;
  let page: HoldPage;
  try {
    page = await fetchPage(null);
  } catch {
    return; // the next event, or the person, asks again
  }
  countUpTo.value = page.countUpTo;
  const known = new Map(page.items.map((hold) => [hold.txId, hold]));
  const listed = new Set(shownRows().map((row) => row.txId));
  rows.value = shownRows().map((row) => known.get(row.txId) ?? row);
  fresh.value = page.items.filter((hold) => !listed.has(hold.txId));
  if (page.next === null) {
    gone.value = new Set([...listed].filter((txId) => !known.has(txId)));
  }
  const shown = detail.value;
  const newer = shown === null ? undefined : known.get(shown.txId);
  if (shown !== null && (newer === undefined || newer.version !== shown.version))
    await loadDetail();
}

function sentence(error: unknown): string {
  return error instanceof Error ? error.message : 'Something went wrong on this page.';
}
