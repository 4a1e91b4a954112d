/**
 * The page's state: who is signed in, the queue, the open hold. Rows never move under the cursor: what is new waits
 * behind a counter until it is asked for, and a row that changed is changed in place.
 * @module
 */
import { computed, signal } from '@preact/signals';
import {
  ask,
  Problem,
  rememberSession,
  type Hold,
  type HoldDetail,
  type Session,
  type State,
  type Status,
} from './api.js';

export type View = 'todo' | 'mine' | 'second' | 'decided';

export const VIEWS: readonly {
  readonly name: View;
  readonly word: string;
  readonly states: readonly State[];
}[] = [
  { name: 'todo', word: 'To decide', states: ['open', 'escalated', 'claimed', 'proposed'] },
  { name: 'mine', word: 'Claimed by me', states: ['claimed'] },
  { name: 'second', word: 'Needs second person', states: ['proposed'] },
  { name: 'decided', word: 'Decided', states: ['released', 'rejected', 'closed'] },
];

export const session = signal<Session | null | undefined>(undefined);
export const status = signal<Status | null>(null);
export const view = signal<View>('todo');
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
export const notice = signal<{ readonly text: string; readonly kind: 'ok' | 'bad' } | null>(null);

export const visibleRows = computed(() => {
  const list = rows.value;
  if (list === null) return null;
  return view.value === 'mine' ? list.filter((hold) => hold.mine) : list;
});

let seenReview = '';
let noticeTimer = 0;

export async function start(): Promise<void> {
  readHash();
  addEventListener('hashchange', readHash);
  try {
    const { signedIn: known } = await ask<{ signedIn: boolean }>('GET', '/about');
    session.value = known ? rememberSession(await ask<Session>('GET', '/session')) : null;
    if (known) await enter();
  } catch {
    session.value = null;
  }
  setInterval(() => (nowMs.value = Date.now()), 10_000);
  setInterval(() => void poll(), 2_000);
}

export async function signIn(name: string, password: string): Promise<void> {
  session.value = rememberSession(await ask<Session>('POST', '/session', { name, password }));
  await enter();
}

export function signedIn(): boolean {
  return session.value !== null && session.value !== undefined;
}

export async function signOut(): Promise<void> {
  await ask('DELETE', '/session').catch(() => undefined);
  session.value = null;
  rows.value = null;
  detail.value = null;
}

async function enter(): Promise<void> {
  await poll();
  await loadQueue();
  if (openTxId.value !== null) await loadDetail();
}

export async function loadQueue(): Promise<void> {
  try {
    const page = await fetchPage(null);
    rows.value = page.items;
    next.value = page.next;
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

export async function chooseView(name: View): Promise<void> {
  view.value = name;
  rows.value = null;
  await loadQueue();
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
    const changed = await ask<HoldDetail>('POST', `/holds/${hold.txId}/${noun}`, {
      expectedVersion: hold.version,
      ...body,
    });
    showDetail(changed);
    return true;
  } catch (error) {
    if (error instanceof Problem && error.code === 'ERR_HOLD_STALE') {
      await loadDetail();
      const { current } = error;
      const who = current?.holder ? ` by ${current.holder.name}` : '';
      tell(
        `${error.message}${current === null ? '' : ` It is ${current.state ?? ''}${who}.`}`,
        'bad',
      );
    } else {
      tell(sentence(error), 'bad');
    }
    if (error instanceof Problem && error.status === 401) session.value = null;
    return false;
  }
}

export function tell(text: string, kind: 'ok' | 'bad'): void {
  notice.value = { text, kind };
  clearTimeout(noticeTimer);
  noticeTimer = setTimeout(() => (notice.value = null), kind === 'ok' ? 6_000 : 12_000);
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

function fetchPage(after: string | null): Promise<{ items: Hold[]; next: string | null }> {
  const { states } = VIEWS.find(({ name }) => name === view.value)!;
  const query = `state=${states.join(',')}&limit=50${after === null ? '' : `&after=${after}`}`;
  return ask('GET', `/holds?${query}`);
}

/** One small question every two seconds; the queue is read again only when the review has moved. */
async function poll(): Promise<void> {
  if (!signedIn() || document.hidden) return;
  try {
    const answer = await ask<Status>('GET', '/status');
    offline.value = false;
    status.value = answer;
    const review = JSON.stringify([answer.review, answer.ledger.nextBlock]);
    if (review === seenReview) return;
    seenReview = review;
    if (rows.value !== null) await refresh();
  } catch (error) {
    if (error instanceof Problem && error.status === 401) session.value = null;
    else offline.value = true;
  }
}

async function refresh(): Promise<void> {
  const page = await fetchPage(null);
  const known = new Map(page.items.map((hold) => [hold.txId, hold]));
  const listed = new Set(rows.value?.map((row) => row.txId));
  rows.value = rows.value?.map((row) => known.get(row.txId) ?? row) ?? null;
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
