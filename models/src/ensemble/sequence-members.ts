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
  const vectorOf = (sequence: Sequence): Float64Array => {
    const vector = new Float64Array(vocabularySize);
    for (const event of Array.from(sequence.rows)) {
      if (!(event >= 0 && event < vocabularySize)) {
        throw calibrationFault('event', `0 … ${vocabularySize - 1}`, event);
      }
      vector[event]!++;
    }
    const length = Math.max(1, sequence.rows.length);
    return of === 'counts' ? vector : vector.map((count) => Math.sqrt(count / length));
  };
  const distinct = new Map(training.map((sequence) => [vectorOf(sequence).join(), sequence]));
  const known = [...distinct.values()].map(vectorOf);
  const distance = of === 'counts' ? manhattan : hellinger;
  return {
    name: `count-vector-${of}`,
    nonconformities: (sequences) =>
      Uint32Array.from(sequences, (sequence) => {
        const vector = vectorOf(sequence);
        let nearest = Infinity;
        for (const other of known) nearest = Math.min(nearest, distance(vector, other));
        return of === 'counts' ? nearest : Math.round(SCALE * nearest);
      }),
  };
}

function manhattan(a: Float64Array, b: Float64Array): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += Math.abs(a[i]! - b[i]!);
  return sum;
}

/** Of vectors of square roots of shares. */
function hellinger(a: Float64Array, b: Float64Array): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += (a[i]! - b[i]!) ** 2;
  return Math.sqrt(sum / 2);
}
