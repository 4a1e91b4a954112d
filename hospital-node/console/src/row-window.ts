/**
 * A list of any length through a window of bounded size. It is read in pages by keyset; pages out of sight are given back,
 * with their height and their cursor, and read again when somebody scrolls there. So a hundred thousand rows cost as much
 * memory as a few hundred, and nothing above the window moves.
 * @module
 */
import { signal } from '@preact/signals';
import type { Hold, HoldPage } from '../../src/http/answers.js';

/** First paint asks for little; who scrolls gets more at once. */
export const FIRST_PAGE = 50;
export const LATER_PAGES = 200;
/** Pages kept on each side of the one in sight. */
const BESIDE = 1;

interface Slot {
  /** Cursor before its first row; null: the beginning. */
  readonly after: string | null;
  readonly next: string | null;
  /** Null: given back. */
  readonly rows: readonly Hold[] | null;
  /** Of the last row: a page that is read again ends here, whatever came in between. */
  readonly end: Place;
  /** As it was when it was given back, in px. */
  readonly height: number;
}

interface Place {
  readonly dueMs: number;
  readonly number: number;
}

export type ReadPage = (after: string | null, limit: number) => Promise<HoldPage>;

const slots = signal<readonly Slot[]>([]);

/** Null: not read yet. */
export const rows = signal<readonly Hold[] | null>(null);
/** What stands for the pages that were given back, in px. */
export const gapBefore = signal(0);
export const gapAfter = signal(0);
export const hasMore = signal(false);
/** Transaction ids of the rows that begin a page, for measuring. */
export const pageStarts = signal<ReadonlySet<string>>(new Set());

let busy = false;
/** Rises with every other list: what was asked for an earlier one is of no use. */
let list = 0;

export function clearWindow(): void {
  list++;
  slots.value = [];
  publish();
  rows.value = null;
}

export function startWindow(page: HoldPage): void {
  list++;
  slots.value = [slotOf(null, page)];
  publish();
}

/** Rows that are shown now are changed in place; nothing moves. */
export function changeRows(change: (row: Hold) => Hold): void {
  slots.value = slots.value.map((slot) =>
    slot.rows === null ? slot : { ...slot, rows: slot.rows.map(change) },
  );
  publish();
}

/** New rows go where their deadline belongs, within what is shown. */
export function mergeRows(more: readonly Hold[]): void {
  slots.value = slots.value.map((slot, i) =>
    i === 0 && slot.rows !== null
      ? { ...slot, rows: [...slot.rows, ...more].sort(byDeadline) }
      : slot,
  );
  publish();
}

/** Pages that hold one of these ids, as the node has them now. */
export async function readAgain(
  txIds: ReadonlySet<string>,
  read: ReadPage,
): Promise<ReadonlyMap<string, Hold>> {
  const wanted = slots.value.filter((slot) => slot.rows?.some(({ txId }) => txIds.has(txId)));
  const pages = await Promise.all(
    wanted.map((slot) => read(slot.after, slot.after === null ? FIRST_PAGE : LATER_PAGES)),
  );
  return new Map(pages.flatMap(({ items }) => items.map((hold) => [hold.txId, hold])));
}

/** The page behind the last one. @returns whether there was one */
export async function readMore(read: ReadPage): Promise<boolean> {
  const last = slots.value.at(-1);
  if (last === undefined || last.next === null || busy) return false;
  return alone(async () => {
    const asked = list;
    const page = await read(last.next, LATER_PAGES);
    if (list !== asked) return false;
    slots.value = [...slots.value, slotOf(last.next, page)];
    publish();
    return true;
  });
}

/**
 * Brings what is in sight into the window and gives back the rest.
 *
 * @param o.top - of the sight, in px below the list's beginning
 * @param o.heights - of the pages that are shown, by the id of their first row
 * @returns whether the window is another one now, so that somebody looks again
 */
export async function show(
  o: Readonly<{ top: number; bottom: number; heights: ReadonlyMap<string, number> }>,
  read: ReadPage,
): Promise<boolean> {
  if (busy || slots.value.length === 0) return false;
  const measured = slots.value.map((slot) => {
    const first = slot.rows?.[0]?.txId;
    const height = first === undefined ? undefined : o.heights.get(first);
    return height === undefined ? slot : { ...slot, height };
  });
  const from = Math.max(0, slotAt(measured, o.top) - BESIDE);
  const to = slotAt(measured, o.bottom) + BESIDE;
  const missing = measured.filter((slot, i) => slot.rows === null && i >= from && i <= to);
  const changed = await alone(async () => {
    const asked = list;
    const pages = await Promise.all(missing.map((slot) => read(slot.after, LATER_PAGES)));
    if (list !== asked) return true;
    // Rows may have changed in place meanwhile; pages come and go only here.
    const before = slots.value;
    slots.value = before.map((slot, i) => {
      const { height } = measured[i]!;
      if (i < from || i > to) return { ...slot, height, rows: null };
      const at = missing.indexOf(measured[i]!);
      return at < 0
        ? { ...slot, height }
        : { ...slot, height, rows: upTo(pages[at]!.items, slot.end) };
    });
    if (slots.value.every((slot, i) => slot.rows === before[i]!.rows)) return false;
    publish();
    return true;
  });
  return (to >= slots.value.length && (await readMore(read))) || changed;
}

async function alone(work: () => Promise<boolean>): Promise<boolean> {
  busy = true;
  try {
    return await work();
  } finally {
    busy = false;
  }
}

function slotAt(all: readonly Slot[], px: number): number {
  let sum = 0;
  for (const [i, { height }] of all.entries()) {
    sum += height;
    if (px < sum) return i;
  }
  return all.length - 1;
}

function publish(): void {
  const all = slots.value;
  const shown = all.flatMap(({ rows: own }) => own ?? []);
  const first = all.findIndex(({ rows: own }) => own !== null);
  const height = (part: readonly Slot[]): number =>
    part.reduce((sum, slot) => sum + (slot.rows === null ? slot.height : 0), 0);
  rows.value = shown;
  gapBefore.value = first < 0 ? 0 : height(all.slice(0, first));
  gapAfter.value = first < 0 ? 0 : height(all.slice(first));
  hasMore.value = all.at(-1)?.next !== null && all.length > 0;
  pageStarts.value = new Set(all.flatMap(({ rows: own }) => own?.[0]?.txId ?? []));
}

function slotOf(after: string | null, { items, next }: HoldPage): Slot {
  const last = items.at(-1);
  return {
    ...{ after, next, rows: items, height: 0 },
    end: last === undefined ? { dueMs: Infinity, number: Infinity } : placeOf(last),
  };
}

function upTo(items: readonly Hold[], end: Place): readonly Hold[] {
  return items.filter((hold) => {
    const { dueMs, number } = placeOf(hold);
    return dueMs < end.dueMs || (dueMs === end.dueMs && number <= end.number);
  });
}

function placeOf({ deadlineAt, id }: Hold): Place {
  return { dueMs: Date.parse(deadlineAt), number: Number(id.slice(2)) };
}

function byDeadline(a: Hold, b: Hold): number {
  return Date.parse(a.deadlineAt) - Date.parse(b.deadlineAt);
}
