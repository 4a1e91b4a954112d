/**
 * The page's state: who is signed in, the queue, the open hold. Rows never move under the cursor: what is new waits
 * behind a counter until it is asked for, and a row that changed is changed in place.
 * @module
 */
import { signal } from '@preact/signals';
import { ask, newIdempotencyKey, Problem, rememberSession, type Change } from './api.js';
import type { Hold, HoldDetail, HoldPage, Session, Status } from '../../src/http/answers.js';
import { filter, queryOf, readAddress, writeAddress, type Filter } from './filter.js';
import { draftsBelongTo, forgetAll } from './drafts.js';
import { listen } from './live.js';
import {
  changeRows,
  clearWindow,
  FIRST_PAGE,
  gapBefore,
  mergeRows,
  readAgain,
  readMore,
  rows,
  startWindow,
} from './row-window.js';

export const session = signal<Session | null | undefined>(undefined);
export const status = signal<Status | null>(null);
/** How many holds the list has in all, counted to 1,000. */
export const countUpTo = signal<number | null>(null);
export const fresh = signal<readonly Hold[]>([]);
/** Rows of the list that are no longer in it; they stay where they are until the list is asked for again. */
export const gone = signal<ReadonlySet<string>>(new Set());
export const openTxId = signal<string | null>(null);
export const detail = signal<HoldDetail | null>(null);
/** Why the panel in question shows nothing; null: all is well. */
export const queueProblem = signal<string | null>(null);
export const detailProblem = signal<string | null>(null);
/** Rises when the list of days differs. */
export const daysVersion = signal(0);
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

/** Somebody was faster: what was seen, what is now, and the steps between. */
export const conflict = signal<{
  readonly seen: Hold;
  readonly sentence: string;
  readonly changed: readonly Change[];
} | null>(null);
/** Why the sign-in form is shown, if nobody asked for it. */
export const signedOutBecause = signal<string | null>(null);

let noticeTimer = 0;
let stopListening = (): void => undefined;

export async function start(): Promise<void> {
  readHash();
  readAddress();
  addEventListener('hashchange', readHash);
  addEventListener('popstate', () => {
    if (readAddress() && signedIn()) void loadQueue();
  });
  takeReturn();
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

/** Whether a step that cannot be taken back asks for the password once more. */
export function needsProof(): boolean {
  return Date.parse(session.value?.freshUntil ?? '') < nowMs.value + PROOF_SLACK_MS;
}
/** Somebody reads the form for a while before it is sent. */
const PROOF_SLACK_MS = 30_000;

export function signedIn(): boolean {
  return session.value !== null && session.value !== undefined;
}

/** For who signed in elsewhere, after a restart of the node, and as a fresh sign-in. */
export async function unlockKey(password: string): Promise<void> {
  session.value = rememberSession(await ask<Session>('POST', '/session/key', { password }));
}

export async function signOut(): Promise<void> {
  const farewell = await ask<{ continueAt: string | null }>('DELETE', '/session').catch(() => null);
  forgetAll();
  leave(null);
  // The identity provider has a session of its own to end.
  if (typeof farewell?.continueAt === 'string') location.assign(farewell.continueAt);
}

const OVER = 'Your session is over. Sign in to go on; what you typed is kept.';

/** Back to the sign-in form, with nothing of the queue left on the screen. */
export function leave(because: string | null): void {
  stopListening();
  session.value = null;
  signedOutBecause.value = because;
  clearWindow();
  detail.value = null;
  conflict.value = null;
  selected.value = new Map();
}

export function seesHolds(): boolean {
  return session.value?.person.role !== 'admin';
}

async function enter(): Promise<void> {
  signedOutBecause.value = null;
  draftsBelongTo(session.value!.person.name);
  if (!seesHolds()) return;
  stopListening = listen({
    onHolds: heard,
    onDays: () => daysVersion.value++,
    onStatus: (facts) => {
      status.value = facts;
    },
    onConnection: (connected) => {
      offline.value = !connected;
    },
    onSignedOut: () => {
      leave(OVER);
    },
  });
  await loadQueue();
  if (openTxId.value !== null) await loadDetail();
}

export async function loadQueue(): Promise<void> {
  try {
    const page = await fetchPage(null);
    startWindow(page);
    firstSeen = new Set(page.items.map(({ txId }) => txId));
    countUpTo.value = page.countUpTo;
    fresh.value = [];
    gone.value = new Set();
    queueProblem.value = null;
  } catch (error) {
    queueProblem.value = sentence(error);
  }
}

/** Pages of the list come through here, with the filter of now. */
export function readPage(after: string | null, limit: number): Promise<HoldPage> {
  return fetchPage(after, limit);
}

export async function loadMore(): Promise<void> {
  try {
    await readMore(readPage);
  } catch (error) {
    tell(sentence(error), 'bad');
  }
}

export async function showFresh(): Promise<void> {
  // Far down the list its beginning is not here to put them in.
  if (gapBefore.value > 0) {
    await loadQueue();
    return;
  }
  mergeRows(fresh.value);
  for (const { txId } of fresh.value) firstSeen.add(txId);
  fresh.value = [];
}

/** Another view or filter: the address says which, so that it can be kept and shared. */
export async function choose(change: Partial<Filter>): Promise<void> {
  writeAddress(change);
  clearWindow();
  selected.value = new Map();
  await loadQueue();
}

/** After the address was changed from elsewhere: a saved view. */
export async function showAddress(): Promise<void> {
  readAddress();
  clearWindow();
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
    if (error instanceof Problem) answerRefusal(error);
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
    conflict.value = null;
    showDetail(changed);
    return true;
  } catch (error) {
    if (error instanceof Problem && error.code === 'ERR_HOLD_STALE') {
      await loadDetail();
      conflict.value = { seen: hold, sentence: error.message, changed: error.changed };
    } else {
      tell(sentence(error), 'bad');
    }
    if (error instanceof Problem) answerRefusal(error);
    return false;
  }
}

/** What a refusal says about the session; true if the sign-in form is shown now. */
export function answerRefusal({ code, isOfFormerSession }: Problem): boolean {
  if (isOfFormerSession) return false;
  if (code === 'ERR_SESSION') {
    leave(OVER);
    return true;
  }
  // The forms ask for the password themselves.
  if (code === 'ERR_SIGN_IN_AGAIN' && session.value) {
    session.value = { ...session.value, freshUntil: new Date(0).toISOString() };
  }
  if (code === 'ERR_SESSION_LOCKED' && session.value) {
    session.value = { ...session.value, canSign: false };
  }
  return false;
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
  changeRows((row) => (row.txId === hold.txId ? hold : row));
}

const RETURN = 'bhs-return';

/** Before the browser goes to the identity provider and comes back without what stood behind the `#`. */
export function rememberReturn(): void {
  try {
    sessionStorage.setItem(RETURN, location.search + location.hash);
  } catch {
    // Without storage she comes back to the queue.
  }
}

function takeReturn(): void {
  try {
    const address = sessionStorage.getItem(RETURN);
    sessionStorage.removeItem(RETURN);
    if (address !== null && location.search === '' && location.hash === '') {
      history.replaceState(null, '', `${location.pathname}${address}`);
      dispatchEvent(new HashChangeEvent('hashchange'));
      readAddress();
    }
  } catch {
    // As above.
  }
}

function readHash(): void {
  const match = /^#\/hold\/([0-9a-f]{64})$/.exec(location.hash);
  const txId = match?.[1] ?? null;
  if (txId === openTxId.value) return;
  openTxId.value = txId;
  detail.value = null;
  detailProblem.value = null;
  conflict.value = null;
  if (signedIn()) void loadDetail();
}

function fetchPage(after: string | null, limit: number = FIRST_PAGE): Promise<HoldPage> {
  const query = queryOf(filter.value);
  query.set('limit', String(limit));
  if (after !== null) query.set('after', after);
  return ask('GET', `/holds?${query.toString()}`);
}

/** Of the list's beginning, which may be out of the window. */
let firstSeen = new Set<string>();
/** What changed since the node was last asked; null: too much to tell. */
let pending: Set<string> | null = new Set();
let refreshing = false;
/** However fast the ledger is, nobody reads faster than this. */
const REFRESH_MS = 1_000;

function heard(changed: ReadonlySet<string> | null): void {
  pending = changed === null || pending === null ? null : new Set([...pending, ...changed]);
  if (refreshing) return;
  refreshing = true;
  void refreshWhilePending().finally(() => (refreshing = false));
}

async function refreshWhilePending(): Promise<void> {
  while (pending === null || pending.size > 0) {
    const changed = pending;
    pending = new Set();
    await refresh(changed).catch(() => undefined); // the next event, or the person, asks again
    await new Promise((resolve) => setTimeout(resolve, REFRESH_MS));
  }
}

/** Something happened: rows are changed in place, new ones wait behind their counter. */
async function refresh(changed: ReadonlySet<string> | null): Promise<void> {
  if (rows.value === null) return;
  const page = await fetchPage(null);
  countUpTo.value = page.countUpTo;
  const shown = new Set(rows.value.map(({ txId }) => txId));
  const now = new Map(page.items.map((hold) => [hold.txId, hold]));
  const touched = new Set([...(changed ?? shown)].filter((id) => shown.has(id) && !now.has(id)));
  for (const [txId, hold] of await readAgain(touched, readPage)) now.set(txId, hold);
  changeRows((row) => now.get(row.txId) ?? row);
  fresh.value = page.items.filter(({ txId }) => !shown.has(txId) && !firstSeen.has(txId));
  gone.value = new Set([...gone.value, ...touched].filter((txId) => !now.has(txId)));
  const open = detail.value;
  if (open !== null && (changed === null || changed.has(open.txId))) await loadDetail();
}

function sentence(error: unknown): string {
  return error instanceof Error ? error.message : 'Something went wrong on this page.';
}
