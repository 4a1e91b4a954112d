/**
 * How well scores rank abnormal above normal. The threshold of every operating point here stands on *test* normals: it
 * says what a perfect choice of threshold would give, and is printed beside the realised rates, never instead of them.
 * @module
 */
import { areaUnderCurve } from '@bhschain/models/detector';

/** False-positive rates at which recall is read (detection.md §12; 3.2 % is the paper's). */
export const OPERATING_RATES: readonly number[] = [0.01, 0.032, 0.05, 0.1];

export interface OperatingPoint {
  readonly falsePositiveRate: number;
  readonly recall: number;
}

export interface Ranking {
  /** Area under the ROC curve; NaN if a side is empty. */
  readonly auc: number;
  /** Average precision (area under precision–recall, step form); NaN if no abnormal. */
  readonly averagePrecision: number;
  readonly recallAt: readonly OperatingPoint[];
}

export function rank(normal: readonly number[], abnormal: readonly number[]): Ranking {
  return {
    auc: areaUnderCurve(normal, abnormal),
    averagePrecision: averagePrecision(normal, abnormal),
    recallAt: OPERATING_RATES.map((falsePositiveRate) => ({
      falsePositiveRate,
      recall: recallAt(normal, abnormal, falsePositiveRate),
    })),
  };
}

/** Of each score its place among the different ones, from 0. */
export function densely(scores: readonly number[]): Uint32Array {
  const places = new Map([...new Set(scores)].sort((a, b) => a - b).map((score, i) => [score, i]));
  return Uint32Array.from(scores, (score) => places.get(score)!);
}

export interface Ranked {
  readonly normal: boolean;
  /** Higher is stranger; small integers, see {@link densely}. */
  readonly rank: number;
}

/** Area under the ROC curve of ranks, by counting: for samples drawn again and again from the same scores. NaN if a side is empty. */
export function aucOfRanks(sample: readonly Ranked[]): number {
  let most = 0;
  for (const { rank: place } of sample) if (place > most) most = place;
  const normals = new Uint32Array(most + 1);
  const abnormals = new Uint32Array(most + 1);
  for (const { normal, rank: place } of sample) (normal ? normals : abnormals)[place]!++;
  let normal = 0;
  let abnormal = 0;
  let wins = 0;
  for (let place = 0; place <= most; place++) {
    wins += abnormals[place]! * (normal + normals[place]! / 2);
    normal += normals[place]!;
    abnormal += abnormals[place]!;
  }
  return wins / (normal * abnormal);
}

/** Share of pairs of one group, a normal and an abnormal one, that are ranked right; ties half. NaN if there is no pair. */
export function aucWithinGroups<T extends Ranked>(
  sample: readonly T[],
  groupOf: (one: T) => string,
): number {
  const groups = new Map<string, T[]>();
  for (const one of sample) {
    const own = groups.get(groupOf(one));
    if (own === undefined) groups.set(groupOf(one), [one]);
    else own.push(one);
  }
  let wins = 0;
  let pairs = 0;
  for (const own of groups.values()) {
    const normal = own.filter((one) => one.normal).length;
    const ownPairs = normal * (own.length - normal);
    if (ownPairs === 0) continue;
    wins += ownPairs * aucOfRanks(own);
    pairs += ownPairs;
  }
  return wins / pairs;
}

/** Recall of `score > t` with the smallest t at which at most `rate` of the normals alarm; ties never alarm. */
export function recallAt(
  normal: readonly number[],
  abnormal: readonly number[],
  rate: number,
): number {
  if (normal.length === 0) return Number.NaN;
  const threshold = normal.toSorted((a, b) => b - a)[Math.floor(rate * normal.length)]!;
  return shareOf(abnormal, (score) => score > threshold);
}

export function shareOf<T>(values: readonly T[], holds: (value: T) => boolean): number {
  return values.length === 0 ? Number.NaN : values.filter(holds).length / values.length;
}

function averagePrecision(normal: readonly number[], abnormal: readonly number[]): number {
  if (abnormal.length === 0) return Number.NaN;
  const all = [
    ...normal.map((score) => ({ score, abnormal: 0 })),
    ...abnormal.map((score) => ({ score, abnormal: 1 })),
  ].sort((a, b) => b.score - a.score);
  let alarms = 0;
  let hits = 0;
  let area = 0;
  for (let i = 0; i < all.length;) {
    const { score } = all[i]!;
    let tiedHits = 0;
    for (; i < all.length && all[i]!.score === score; i++) {
      alarms++;
      tiedHits += all[i]!.abnormal;
    }
    hits += tiedHits;
    area += (tiedHits / abnormal.length) * (hits / alarms);
  }
  return area;
}
