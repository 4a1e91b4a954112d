/**
 * Act trigrams: how surprising an act is after the two acts before it. Surprisals of single acts miss what is strange only
 * in its order – a grant, a read, the grant taken back.
 *
 * The table is small enough to travel in every detector: 4,096 cells of four bits, a cell the surprisal −log2 P(c | a, b) in
 * whole bits, 15 for what was never seen. Trigrams that share a cell share the smaller surprisal: collisions err on the side
 * of "usual".
 * @module
 */

import type { Ring } from './ring.js';

export const TRIGRAM_CELLS = 4096;
/** Also "never seen". */
export const TRIGRAM_BITS_MAX = 15;
/** In the place of an act before the session's first. */
const NO_ACT = 0xffff;

/** Cell of (a, b, c), null where the session has not reached so far back. */
function cellOf(a: number | null, b: number | null, c: number): number {
  const mixed = Math.imul(Math.imul(a ?? NO_ACT, 0x85ebca6b) ^ (b ?? NO_ACT), 0xc2b2ae35) + c;
  return Math.imul(mixed ^ (mixed >>> 15), 0x9e3779b1) >>> 20;
}

/** Surprisal in whole bits of `act` after the ring's last two acts. */
export function trigramSurprisal(trigrams: Uint8Array, ring: Ring, act: number): number {
  const before = ring.rows.length < 2 ? null : ring.rows[ring.rows.length - 2]!.act;
  return trigrams[cellOf(before, ring.previousAct, act)]!;
}

/** A count of one trigram; null stands before a session's first act. */
export interface TrigramCount {
  readonly acts: readonly [number | null, number | null, number];
  readonly count: number;
}

/** The table of these counts, `[TRIGRAM_CELLS]`, each 0 … 15. A trigram is as usual as it is for its two first acts. */
export function trigramTable(counts: Iterable<TrigramCount>): Uint8Array {
  const all = [...counts];
  const contexts = new Map<string, number>();
  for (const { acts, count } of all) {
    const context = `${acts[0]} ${acts[1]}`;
    contexts.set(context, (contexts.get(context) ?? 0) + count);
  }
  const table = new Uint8Array(TRIGRAM_CELLS).fill(TRIGRAM_BITS_MAX);
  for (const { acts, count } of all) {
    const ratio = contexts.get(`${acts[0]} ${acts[1]}`)! / count;
    // Whole bits, rounded down, by comparing with powers of two: no logarithm.
    let bits = 0;
    while (bits < TRIGRAM_BITS_MAX - 1 && 2 ** (bits + 1) <= ratio) bits++;
    const cell = cellOf(...acts);
    table[cell] = Math.min(table[cell]!, bits);
  }
  return table;
}
