/**
 * The conformal step: from calibration nonconformities to a step table of scores.
 *
 * `p(x) = (1 + #{calibration ≥ x}) / (n + 1)` and `s = 1 − p^γ` with γ = ln(1 − θ) / ln α, so that s ≥ θ ⇔ p ≤ α.
 * Rounding must not move that border: the table has a step exactly at the last rank that satisfies p ≤ α, and scores on
 * either side of it stay on their side of θ. Between steps p is rounded up, which is the safe side.
 * Source: Vovk et al. 2005, ch. 2; detection.md §5.
 * @module
 */
import { calibrationFault } from './calibration-fault.js';
import type { CalibrationTable, Steps, StratumKey, TableStratum } from './detector.js';
import { gammaOf } from './p-value.js';
import { realPower } from './real-power.js';
import { lowerBound } from './sorted.js';

/** Steps of a table, spaced geometrically in p. */
export const TABLE_STEPS = 64;
export const ALPHA_PPM = 32_000;
export const THETA_MILLIONTHS = 870_000;
/** Fewer windows than this hold a rate badly (√(α(1−α)/n) is 0.56 points): a coarser stratum speaks for them. */
export const STRATUM_LEAST = 1_000;

/** Windows behind a stratum's steps: its own, all that lack the same columns, or all. */
export const POOLS = ['own', 'columns', 'all'] as const;
export type Pool = (typeof POOLS)[number];

export interface CalibrationSample extends StratumKey {
  /** Nonconformities of held-out normal windows, any order. */
  readonly nonconformities: Uint32Array;
}

export interface ScoreTableOptions {
  readonly strata: readonly CalibrationSample[];
  /** Share of normal windows that may reach θ, in millionths. */
  readonly alphaPpm?: number;
  readonly theta?: number;
}

/**
 * Steps from a nonconformity to the score, stratum by stratum.
 * @throws {DetectorError} `ERR_TABLE_CALIBRATION` if a stratum, pooled with coarser ones, has too few windows to reach α
 *   (31 for 3.2 %), or if α or θ is out of range
 */
export function fitScores(
  options: ScoreTableOptions,
): Pick<CalibrationTable, 'alphaPpm' | 'theta' | 'strata'> {
  const { strata, alphaPpm = ALPHA_PPM, theta = THETA_MILLIONTHS } = options;
  if (!Number.isInteger(alphaPpm) || alphaPpm < 1 || alphaPpm > 500_000) {
    throw calibrationFault('alphaPpm', '1 … 500000', alphaPpm);
  }
  if (!Number.isInteger(theta) || theta < 1 || theta > 999_999) {
    throw calibrationFault('theta', '1 … 999999', theta);
  }
  return {
    alphaPpm,
    theta,
    strata: Object.freeze(pool(strata).map((sample) => fitStratum(sample, alphaPpm, theta))),
  };
}

export interface PooledSample extends CalibrationSample {
  readonly pool: Pool;
}

/** Split conformal with shrinkage: a stratum of fewer than `STRATUM_LEAST` windows borrows those of a coarser one. */
export function pool(samples: readonly CalibrationSample[]): PooledSample[] {
  return samples.map((sample): PooledSample => {
    if (sample.nonconformities.length >= STRATUM_LEAST) return { ...sample, pool: 'own' };
    const alike = samples.filter(({ columnMask }) => columnMask === sample.columnMask);
    const columns = joined(alike);
    if (columns.length >= STRATUM_LEAST) {
      return { ...sample, nonconformities: columns, pool: 'columns' };
    }
    return { ...sample, nonconformities: joined(samples), pool: 'all' };
  });
}

function joined(samples: readonly CalibrationSample[]): Uint32Array {
  return Uint32Array.from(samples.flatMap(({ nonconformities }) => [...nonconformities]));
}

function fitStratum(sample: PooledSample, alphaPpm: number, theta: number): TableStratum {
  const { columnMask, lengthMin, lengthMax, nonconformities } = sample;
  const n = nonconformities.length;
  /** The last rank with rank / (n + 1) ≤ α. */
  const borderRank = Math.floor((alphaPpm * (n + 1)) / 1e6);
  if (borderRank < 1) {
    throw calibrationFault('nonconformities', `at least ${Math.ceil(1e6 / alphaPpm) - 1}`, n);
  }
  const gamma = gammaOf({ theta, alphaPpm });
  const steps = fitSteps(nonconformities, {
    steps: TABLE_STEPS,
    borderRank,
    valueOf(rank) {
      const score = Math.round(1e6 * (1 - realPower(rank / (n + 1), gamma)));
      return rank <= borderRank ? Math.max(score, theta) : Math.min(score, theta - 1);
    },
  });
  return Object.freeze({ columnMask, lengthMin, lengthMax, n, pool: sample.pool, ...steps });
}

export interface StepsOptions {
  /** At most so many. */
  readonly steps: number;
  /** One step lies exactly where the rank becomes this. */
  readonly borderRank?: number;
  /** uint32, does not fall as the rank falls. */
  readonly valueOf: (rank: number) => number;
}

/**
 * Steps of a function of the conformal rank, 1 + #{calibration ≥ x}, geometric in the rank. Between steps the rank is
 * rounded up.
 */
export function fitSteps(nonconformities: Uint32Array, options: StepsOptions): Steps {
  const sorted = Uint32Array.from(nonconformities).sort();
  const n = sorted.length;
  const thresholds: number[] = [];
  const values: number[] = [];
  for (const rank of ranks(n, options)) {
    const count = rank - 1;
    const threshold = count >= n ? 0 : sorted[n - 1 - count]! + 1;
    if (threshold > 0xffffffff) break;
    // Ties can leave fewer than `count` at or above the threshold: the exact rank is the sharper one.
    const value = options.valueOf(1 + n - lowerBound(sorted, threshold));
    if (values.length === 0 || (threshold > thresholds.at(-1)! && value > values.at(-1)!)) {
      thresholds.push(threshold);
      values.push(value);
    }
  }
  return { thresholds: Uint32Array.from(thresholds), values: Uint32Array.from(values) };
}

/** Descending ranks from n + 1 to 1, geometric, the border among them. */
function ranks(n: number, { steps, borderRank = 1 }: StepsOptions): number[] {
  const chosen = new Set([n + 1, borderRank, 1]);
  for (let step = 1; step < steps - 2; step++) {
    const share = realPower(1 / (n + 1), step / (steps - 2));
    chosen.add(Math.round(share * (n + 1)));
  }
  return [...chosen].sort((a, b) => b - a);
}

/** The value of the last step at or below x. */
export function valueAt({ thresholds, values }: Steps, x: number): number {
  let low = 0;
  let high = thresholds.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (thresholds[middle]! <= x) low = middle + 1;
    else high = middle;
  }
  return values[low - 1]!;
}
