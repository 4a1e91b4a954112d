/**
 * Members for whole sequences of events (node tier, public logs): what a sequence is made of, and which short orders in it
 * were never seen. Trained by looking, without a network.
 * Sources: Forrest et al. 1996 (n-grams of system calls); Landauer et al. 2024 (count vectors on HDFS).
 * @module
 */
import { calibrationFault } from '../detector/calibration-fault.js';
import type { Member } from './member.js';

/** Events in order, each a small integer. */
export interface Sequence {
  readonly rows: ArrayLike<number>;
  /** Sequences have no columns that could be absent. */
  readonly mask: 0;
}

/** Parts of a million. */
const SCALE = 1_000_000;

/** Share of a sequence's n-grams that no training sequence holds; one shorter than n is one n-gram by itself. */
export function ngramMember(options: {
  readonly training: readonly Sequence[];
  readonly n: number;
}): Member<Sequence> {
  const { training, n } = options;
  if (!Number.isInteger(n) || n < 1 || n > 16) throw calibrationFault('n', '1 … 16', n);
  const known = new Set<string>();
  for (const sequence of training) for (const gram of gramsOf(sequence, n)) known.add(gram);
  return {
    name: `${n}-gram`,
    nonconformities: (sequences) =>
      Uint32Array.from(sequences, (sequence) => {
        const grams = gramsOf(sequence, n);
        const unseen = grams.filter((gram) => !known.has(gram)).length;
        return Math.round((SCALE * unseen) / grams.length);
      }),
  };
}

function gramsOf({ rows }: Sequence, n: number): string[] {
  const events = Array.from(rows);
  return Array.from({ length: Math.max(1, events.length - n + 1) }, (_, at) =>
    events.slice(at, at + n).join(' '),
  );
}

/**
 * Distance to the nearest training sequence, as vectors of counts.
 *
 * | of     | distance                                                       | sees            |
 * |--------|----------------------------------------------------------------|-----------------|
 * | counts | sum of absolute differences of counts (L1)                     | length too      |
 * | shares | Hellinger distance of the shares, in millionths                | the mix only    |
 */
export function countVectorMember(options: {
  readonly training: readonly Sequence[];
  readonly of: 'counts' | 'shares';
  /** Events are below this. */
  readonly vocabularySize: number;
}): Member<Sequence> {
  const { training, of, vocabularySize } = options;
  if (training.length === 0) throw calibrationFault('training', 'at least one sequence', 0);
  const countsOf = ({ rows }: Sequence): Map<number, number> => {
    const counts = new Map<number, number>();
    for (let i = 0; i < rows.length; i++) {
      const event = rows[i]!;
      if (!(event >= 0 && event < vocabularySize)) {
        throw calibrationFault('event', `0 … ${vocabularySize - 1}`, event);
      }
      counts.set(event, (counts.get(event) ?? 0) + 1);
    }
    return counts;
  };
  const nearest = (of === 'counts' ? nearestByCounts : nearestByShares)(
    distinct(training.map(countsOf)),
  );
  return {
    name: `count-vector-${of}`,
    nonconformities: (sequences) =>
      Uint32Array.from(sequences, (sequence) => nearest(countsOf(sequence))),
  };
}

type Counts = ReadonlyMap<number, number>;

function distinct(all: readonly Counts[]): Counts[] {
  const key = (counts: Counts): string =>
    [...counts]
      .sort(([a], [b]) => a - b)
      .flat()
      .join();
  return [...new Map(all.map((counts) => [key(counts), counts])).values()];
}

/** L1: what the two hold together, less twice what they share. */
function nearestByCounts(known: readonly Counts[]): (own: Counts) => number {
  const overlaps = overlapsWith(known, Math.min);
  const totals = known.map(totalOf);
  return (own) => {
    const total = totalOf(own);
    let least = Infinity;
    overlaps(own).forEach((overlap, i) => {
      least = Math.min(least, total + totals[i]! - 2 * overlap);
    });
    return least;
  };
}

/** Hellinger: √(1 − Σ √(a b)) of shares a, b. */
function nearestByShares(known: readonly Counts[]): (own: Counts) => number {
  const overlaps = overlapsWith(known.map(rootsOf), (a, b) => a * b);
  return (own) => {
    const most = overlaps(rootsOf(own)).reduce((a, b) => Math.max(a, b), 0);
    return Math.round(SCALE * Math.sqrt(Math.max(0, 1 - most)));
  };
}

function totalOf(counts: Counts): number {
  return [...counts.values()].reduce((sum, count) => sum + count, 0);
}

function rootsOf(counts: Counts): Counts {
  const total = Math.max(1, totalOf(counts));
  return new Map([...counts].map(([event, count]) => [event, Math.sqrt(count / total)]));
}

/** Of a vector with each known one, the sum over the events of both; through an index from events to who has them. */
function overlapsWith(
  known: readonly Counts[],
  common: (own: number, other: number) => number,
): (own: Counts) => Float64Array {
  const holders = new Map<number, { readonly vectors: number[]; readonly values: number[] }>();
  known.forEach((counts, vector) => {
    for (const [event, value] of counts) {
      const of = holders.get(event) ?? { vectors: [], values: [] };
      of.vectors.push(vector);
      of.values.push(value);
      holders.set(event, of);
    }
  });
  return (own) => {
    const sums = new Float64Array(known.length);
    for (const [event, value] of own) {
      const of = holders.get(event);
      of?.vectors.forEach((vector, i) => (sums[vector]! += common(value, of.values[i]!)));
    }
    return sums;
  };
}
