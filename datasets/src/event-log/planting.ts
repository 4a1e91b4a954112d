/**
 * Ground truth on a real log: two pairs of actors swapped from a day on, as in the user-switch protocol of the CLUE-LDS
 * authors, and sessions of bulk reading. The log itself is taken as benign.
 * @module
 */

import type { RandomStream } from '../random-stream.js';
import type { LogRow } from './event-log.js';
import { RECORD_SET_EXPORTED } from './code-table.js';

/** A row with its code, its actor before any swap, and its day since 1970. */
export interface ActorRow {
  readonly row: LogRow;
  readonly code: number;
  readonly actor: string;
  readonly day: number;
}

export interface Swap {
  readonly actors: readonly [string, string];
  readonly fromDay: number;
  /** Cosine of the two actors' activity counts before the live part. */
  readonly cosine: number;
}

/** Fewer events before would say nothing about an actor, fewer after nothing about the swap. */
const HISTORY_LEAST = 50;
const SWAPPED_LEAST = 8;
const COSINE_MOST = 0.5;
const PAIRS = 2;

/**
 * Chooses the pairs: unlike enough to be different people, and of small volume, so that most of the live traffic stays benign.
 * Each swap starts on the latest day that leaves both actors eight events.
 */
export function chooseSwaps(history: readonly ActorRow[], live: readonly ActorRow[]): Swap[] {
  const before = countsByActor(history);
  const daysAfter = new Map<string, number[]>();
  for (const { actor, day } of live) {
    const days = daysAfter.get(actor);
    if (days === undefined) daysAfter.set(actor, [day]);
    else days.push(day);
  }
  const candidates = [...daysAfter]
    .filter(
      ([actor, days]) => days.length >= SWAPPED_LEAST && total(before.get(actor)) >= HISTORY_LEAST,
    )
    .sort((a, b) => a[1].length - b[1].length || (a[0] < b[0] ? -1 : 1));
  const swaps: Swap[] = [];
  const taken = new Set<string>();
  for (const [i, [a, daysOfA]] of candidates.entries()) {
    for (const [b, daysOfB] of candidates.slice(0, i)) {
      if (swaps.length === PAIRS) return swaps;
      if (taken.has(a) || taken.has(b)) continue;
      const cosine = cosineOf(before.get(a), before.get(b));
      if (cosine > COSINE_MOST) continue;
      const fromDay = Math.min(...[daysOfA, daysOfB].map(latestStart));
      swaps.push({ actors: [b, a], fromDay, cosine });
      taken.add(a).add(b);
    }
  }
  return swaps;
}

/** The day from which on at least eight events remain. */
function latestStart(days: readonly number[]): number {
  return [...days].sort((x, y) => x - y)[days.length - SWAPPED_LEAST]!;
}

/** A session of bulk reading: the actor's own activities on many records in a row, and exports of sets. */
export function bulkReading(
  own: readonly number[],
  random: RandomStream,
): { code: number; record: string | null; records: number }[] {
  const steps: { code: number; record: string | null; records: number }[] = [];
  for (let i = 0; i < 24; i++) {
    steps.push({ code: random.pick(own), record: `bulk${random.hex(8)}`, records: 1 });
    if (i % 6 === 5) {
      const records = Math.round(random.between(100, 600));
      steps.push({ code: RECORD_SET_EXPORTED, record: null, records });
    }
  }
  return steps;
}

type ActCounts = ReadonlyMap<number, number>;

function countsByActor(rows: readonly ActorRow[]): ReadonlyMap<string, ActCounts> {
  const actors = new Map<string, Map<number, number>>();
  for (const { actor, code } of rows) {
    let counts = actors.get(actor);
    if (counts === undefined) actors.set(actor, (counts = new Map<number, number>()));
    counts.set(code, (counts.get(code) ?? 0) + 1);
  }
  return actors;
}

function total(counts: ActCounts | undefined): number {
  return counts === undefined ? 0 : [...counts.values()].reduce((sum, count) => sum + count, 0);
}

function cosineOf(a: ActCounts | undefined, b: ActCounts | undefined): number {
  if (a === undefined || b === undefined) return 0;
  const norm = (counts: ActCounts): number =>
    Math.sqrt([...counts.values()].reduce((sum, count) => sum + count * count, 0));
  let product = 0;
  for (const [code, count] of a) product += count * (b.get(code) ?? 0);
  return product / (norm(a) * norm(b));
}
