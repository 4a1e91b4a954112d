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
