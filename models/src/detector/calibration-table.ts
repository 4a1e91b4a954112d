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
  const sorted = Uint32Array.from(sample.nonconformities).sort();
  const n = sorted.length;
  /** The last rank with rank / (n + 1) ≤ α. */
  const borderRank = Math.floor((alphaPpm * (n + 1)) / 1e6);
  if (borderRank < 1) {
    throw refuse('nonconformities', `at least ${Math.ceil(1e6 / alphaPpm) - 1}`, n);
  }
  const gamma = naturalLog(1 - theta / 1e6) / naturalLog(alphaPpm / 1e6);
  const thresholds: number[] = [];
  const scores: number[] = [];
  for (const rank of ranks(n, borderRank)) {
    const count = rank - 1;
    const threshold = count >= n ? 0 : sorted[n - 1 - count]! + 1;
    if (threshold > 0xffffffff) break;
    // Ties can leave fewer than `count` at or above the threshold: the exact rank is the sharper one.
    const exactRank = 1 + n - lowerBound(sorted, threshold);
    const raw = Math.round(1e6 * (1 - realPower(exactRank / (n + 1), gamma)));
    const score = exactRank <= borderRank ? Math.max(raw, theta) : Math.min(raw, theta - 1);
    if (scores.length === 0 || (threshold > thresholds.at(-1)! && score > scores.at(-1)!)) {
      thresholds.push(threshold);
      scores.push(score);
    }
  }
  return Object.freeze({
    columnMask: sample.columnMask,
    lengthMin: sample.lengthMin,
    lengthMax: sample.lengthMax,
    n,
    thresholds: Uint32Array.from(thresholds),
    scores: Uint32Array.from(scores),
  });
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

/** Score in millionths of a nonconformity: that of the last step at or below it. */
export function scoreOf(stratum: TableStratum, nonconformity: number): number {
  const { thresholds, scores } = stratum;
  let low = 0;
  let high = thresholds.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (thresholds[middle]! <= nonconformity) low = middle + 1;
    else high = middle;
  }
  return scores[low - 1]!;
}

function refuse(field: string, expected: string, got: number): DetectorError {
  return new DetectorError('ERR_TABLE_CALIBRATION', `${field}: expected ${expected}, got ${got}`, {
    field,
    expected,
    got,
  });
}
