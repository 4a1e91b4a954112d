/**
 * The conformal step: from calibration nonconformities to a step table of scores.
 *
 * `p(x) = (1 + #{calibration ≥ x}) / (n + 1)` and `s = 1 − p^γ` with γ = ln(1 − θ) / ln α, so that s ≥ θ ⇔ p ≤ α.
 * Rounding must not move that border: the table has a step exactly at the last rank that satisfies p ≤ α, and scores on
 * either side of it stay on their side of θ. Between steps p is rounded up, which is the safe side.
 * Source: Vovk et al. 2005, ch. 2; detection.md §5.
 * @module
 */
import { DetectorError } from '../errors.js';
import type { CalibrationTable, StratumKey, TableStratum } from './detector.js';
import { naturalLog, realPower } from './real-power.js';

/** Steps of a table, spaced geometrically in p. */
export const TABLE_STEPS = 64;
export const ALPHA_PPM = 32_000;
export const THETA_MILLIONTHS = 870_000;

export interface CalibrationSample extends StratumKey {
  /** Nonconformities of held-out normal windows, any order. */
  readonly nonconformities: Uint32Array;
}

export interface TableOptions {
  readonly strata: readonly CalibrationSample[];
  /** Share of normal windows that may reach θ, in millionths. */
  readonly alphaPpm?: number;
  readonly theta?: number;
}

/**
 * @throws {DetectorError} `ERR_TABLE_CALIBRATION` if a stratum has too few windows to reach α (31 for 3.2 %), or if
 *   α or θ is out of range
 */
export function fitTable(options: TableOptions): CalibrationTable {
  const { strata, alphaPpm = ALPHA_PPM, theta = THETA_MILLIONTHS } = options;
  if (!Number.isInteger(alphaPpm) || alphaPpm < 1 || alphaPpm > 500_000) {
    throw refuse('alphaPpm', '1 … 500000', alphaPpm);
  }
  if (!Number.isInteger(theta) || theta < 1 || theta > 999_999) {
    throw refuse('theta', '1 … 999999', theta);
  }
  return Object.freeze({
    formatVersion: 1,
    alphaPpm,
    theta,
    strata: Object.freeze(strata.map((sample) => fitStratum(sample, alphaPpm, theta))),
  });
}

function fitStratum(sample: CalibrationSample, alphaPpm: number, theta: number): TableStratum {
  const { columnMask, lengthMin, lengthMax, nonconformities } = sample;
  const n = nonconformities.length;
  /** The last rank with rank / (n + 1) ≤ α. */
  const borderRank = Math.floor((alphaPpm * (n + 1)) / 1e6);
  if (borderRank < 1) {
    throw refuse('nonconformities', `at least ${Math.ceil(1e6 / alphaPpm) - 1}`, n);
  }
  const gamma = naturalLog(1 - theta / 1e6) / naturalLog(alphaPpm / 1e6);
  const { thresholds, values } = fitSteps(nonconformities, borderRank, (rank) => {
    const score = Math.round(1e6 * (1 - realPower(rank / (n + 1), gamma)));
    return rank <= borderRank ? Math.max(score, theta) : Math.min(score, theta - 1);
  });
  return Object.freeze({ columnMask, lengthMin, lengthMax, n, thresholds, scores: values });
}

/** A step function: the value of x is that of the last threshold ≤ x. */
export interface Steps {
  readonly thresholds: Uint32Array;
  readonly values: Uint32Array;
}

/**
 * Steps of a function of the conformal rank, 1 + #{calibration ≥ x}: at most 64, geometric in the rank, one of them
 * exactly where the rank becomes `borderRank`. Between steps the rank is rounded up.
 * @param valueOf - uint32, does not fall as the rank falls
 */
export function fitSteps(
  nonconformities: Uint32Array,
  borderRank: number,
  valueOf: (rank: number) => number,
): Steps {
  const sorted = Uint32Array.from(nonconformities).sort();
  const n = sorted.length;
  const thresholds: number[] = [];
  const values: number[] = [];
  for (const rank of ranks(n, borderRank)) {
    const count = rank - 1;
    const threshold = count >= n ? 0 : sorted[n - 1 - count]! + 1;
    if (threshold > 0xffffffff) break;
    // Ties can leave fewer than `count` at or above the threshold: the exact rank is the sharper one.
    const value = valueOf(1 + n - lowerBound(sorted, threshold));
    if (values.length === 0 || (threshold > thresholds.at(-1)! && value > values.at(-1)!)) {
      thresholds.push(threshold);
      values.push(value);
    }
  }
  return { thresholds: Uint32Array.from(thresholds), values: Uint32Array.from(values) };
}

/** Descending ranks from n + 1 to 1, geometric, the border among them. */
function ranks(n: number, borderRank: number): number[] {
  const chosen = new Set([n + 1, borderRank, 1]);
  for (let step = 1; step < TABLE_STEPS - 2; step++) {
    const share = realPower(1 / (n + 1), step / (TABLE_STEPS - 2));
    chosen.add(Math.round(share * (n + 1)));
  }
  return [...chosen].sort((a, b) => b - a);
}

/** First index with `sorted[index] ≥ x`. */
function lowerBound(sorted: Uint32Array, x: number): number {
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (sorted[middle]! < x) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** Score in millionths of a nonconformity. */
export function scoreOf(stratum: TableStratum, nonconformity: number): number {
  return valueAt({ thresholds: stratum.thresholds, values: stratum.scores }, nonconformity);
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

function refuse(field: string, expected: string, got: number): DetectorError {
  return new DetectorError('ERR_TABLE_CALIBRATION', `${field}: expected ${expected}, got ${got}`, {
    field,
    expected,
    got,
  });
}
