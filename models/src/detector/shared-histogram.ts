/**
 * What a hospital may share of its calibration: a histogram of joined p-values, 64 equal bins, for newcomers who have none.
 *
 * One window adds one to one bin, so its L1 and L2 sensitivity under add-or-remove is 1. The counts are private until noise
 * of the round's plan is on them (a release of its own beside the gradient, calibrated together with it, privacy.md §3).
 * Everything after that is post-processing.
 * @module
 */
import { calibrationFault } from './calibration-fault.js';

export const HISTOGRAM_BINS = 64;
/** Counts by which one window changes a histogram, in the L2 norm. */
export const HISTOGRAM_SENSITIVITY = 1;

/**
 * Windows by their p-value, `[64]`: bin i holds (i / 64, (i + 1) / 64]. Private.
 * @param ranks - conformal rank 1 + #{calibration ≥ x} of each window
 * @param calibrationCount - n: the p-value is rank / (n + 1), in integers
 * @throws {DetectorError} `ERR_TABLE_CALIBRATION` for a rank outside 1 … n + 1
 */
export function rankHistogram(ranks: ArrayLike<number>, calibrationCount: number): Int32Array {
  const counts = new Int32Array(HISTOGRAM_BINS);
  for (let i = 0; i < ranks.length; i++) {
    const rank = ranks[i]!;
    if (!Number.isInteger(rank) || rank < 1 || rank > calibrationCount + 1) {
      throw calibrationFault(`ranks[${i}]`, `1 … ${calibrationCount + 1}`, rank);
    }
    counts[Math.ceil((HISTOGRAM_BINS * rank) / (calibrationCount + 1)) - 1]!++;
  }
  return counts;
}

export interface SharedThreshold {
  /** Nodes' p-value at or below which a share `alphaPpm` of all their windows lies, in millionths. */
  readonly pPpm: number;
  /** Sum of the noised counts, at least 1. */
  readonly windows: number;
}

/**
 * Where to put α from several hospitals' noised histograms. Noise makes single counts negative; the cumulative count is
 * held monotone, and between bins it is a straight line. Integers throughout.
 * @param histograms - noised, `[64]` each
 * @throws {DetectorError} `ERR_TABLE_CALIBRATION` if there is none, one has another length, or nothing is left above noise
 */
export function sharedThreshold(
  histograms: readonly Int32Array[],
  alphaPpm: number,
): SharedThreshold {
  if (histograms.length === 0) throw calibrationFault('histograms', 'at least one', 0);
  if (!Number.isInteger(alphaPpm) || alphaPpm < 1 || alphaPpm > 500_000) {
    throw calibrationFault('alphaPpm', '1 … 500000', alphaPpm);
  }
  const counts = new Float64Array(HISTOGRAM_BINS);
  for (const [h, histogram] of histograms.entries()) {
    if (histogram.length !== HISTOGRAM_BINS) {
      throw calibrationFault(`histograms[${h}]`, `${HISTOGRAM_BINS} bins`, histogram.length);
    }
    histogram.forEach((count, bin) => (counts[bin]! += count));
  }
  const windows = counts.reduce((sum, count) => sum + count, 0);
  if (windows < 1) throw calibrationFault('histograms', 'windows above the noise', windows);
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
