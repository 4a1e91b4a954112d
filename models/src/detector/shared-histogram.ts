/**
 * What a hospital may share of its calibration: a histogram of its windows' p-values, 64 equal bins.
 *
 * One window adds one to one bin, so its L1 and L2 sensitivity under add-or-remove is 1. The counts are private until noise
 * of the round's plan is on them (a release of its own beside the gradient, calibrated together with it, privacy.md §3).
 * Everything after that is post-processing.
 * @module
 */
import { calibrationFault } from './calibration-fault.js';
import type { ScoredWindow } from './detector.js';
import { pValues } from './p-value.js';
import type { Scorer } from './scorer.js';
import { stratumFor } from './strata.js';

export const HISTOGRAM_BINS = 64;
/** Counts by which one window changes a histogram, in the L2 norm. */
export const HISTOGRAM_SENSITIVITY = 1;

/** Bin i holds p in (i / 64, (i + 1) / 64]. */
export function binOf(p: number): number {
  return Math.min(HISTOGRAM_BINS, Math.max(1, Math.ceil(HISTOGRAM_BINS * p))) - 1;
}

/**
 * The bin of each window's p-value, `[windows]`. Private. A window that no stratum judges is never held, so it counts as an
 * ordinary one: whether a histogram exists must not depend on data.
 */
export function binsOf(scorer: Scorer, windows: readonly ScoredWindow[]): Uint8Array {
  const { table } = scorer;
  const pOf = new Map(table.strata.map((stratum) => [stratum, pValues(stratum, table)]));
  const strata = windows.map(({ rows, mask }) =>
    stratumFor(table.strata, { mask, length: rows.length }),
  );
  const scores = scorer.scoreAll(windows.filter((_, i) => strata[i] !== undefined));
  let judged = 0;
  return Uint8Array.from(strata, (stratum) =>
    stratum === undefined
      ? HISTOGRAM_BINS - 1
      : binOf(pOf.get(stratum)!(scores[judged++]!.nonconformity)),
  );
}

export interface SharedThreshold {
  /** The p-value at or below which a share `alphaPpm` of all windows lies, in millionths. */
  readonly pPpm: number;
  /** Sum of the noised counts, at least 1. */
  readonly windows: number;
}

/**
 * Where a share α of the windows lies. Noise makes single counts negative; the cumulative count is held monotone, and between
 * bins it is a straight line.
 * @param counts - noised counts of several hospitals together, `[64]`, integers
 * @throws {DetectorError} `ERR_TABLE_CALIBRATION` for another length, for a count that is no integer (NaN, infinity, a
 *   fraction), or if nothing is left above the noise
 */
export function sharedThreshold(counts: ArrayLike<number>, alphaPpm: number): SharedThreshold {
  if (!Number.isInteger(alphaPpm) || alphaPpm < 1 || alphaPpm > 500_000) {
    throw calibrationFault('alphaPpm', '1 … 500000', alphaPpm);
  }
  const windows = windowsIn(counts);
  if (windows < 1) throw calibrationFault('counts', 'windows above the noise', windows);
  let before = 0;
  let cumulative = 0;
  for (let bin = 0; bin < HISTOGRAM_BINS; bin++) {
    cumulative += counts[bin]!;
    const reached = Math.max(before, cumulative);
    if (1e6 * reached >= alphaPpm * windows) {
      // before · 1e6 < α · windows ≤ reached · 1e6, so the quotient is in (0, 1].
      const within = (alphaPpm * windows - 1e6 * before) / (1e6 * (reached - before));
      return { pPpm: Math.round((1e6 * (bin + within)) / HISTOGRAM_BINS), windows };
    }
    before = reached;
  }
  return { pPpm: 1_000_000, windows };
}

/**
 * The sum of the counts.
 * @throws {DetectorError} `ERR_TABLE_CALIBRATION`
 */
export function windowsIn(counts: ArrayLike<number>): number {
  if (counts.length !== HISTOGRAM_BINS) {
    throw calibrationFault('counts', `${HISTOGRAM_BINS} bins`, counts.length);
  }
  let windows = 0;
  for (let bin = 0; bin < HISTOGRAM_BINS; bin++) {
    const count = counts[bin]!;
    if (!Number.isSafeInteger(count)) throw calibrationFault(`counts[${bin}]`, 'an integer', count);
    windows += count;
  }
  return windows;
}
