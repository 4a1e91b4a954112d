/**
 * The table that goes with a round's detector: the public one, moved to where the hospitals' noised histograms say that its α
 * lies. Always from the public table, never from the round before, so that noise does not add up over rounds. A pure function
 * of public values: every member makes the same bytes.
 *
 * A hospital counts windows, people are held to calls. In ordinary hospitals a known share of windows lies at or below p = α
 * (`ORDINARY_SHARE_PPM`); the new α is the p at which the hospitals' windows reach that share.
 * @module
 */
import type { CalibrationTable } from './detector.js';
import { retargetedTable } from './retargeted-table.js';
import { HISTOGRAM_BINS, sharedThreshold, windowsIn } from './shared-histogram.js';
import { ORDINARY_SHARE_PPM } from './window-shares.js';

/** What a round's accepted updates carried beside the gradient, summed. */
export interface SharedHistogram {
  /** `[64]`, each with the noise of all contributors. */
  readonly counts: readonly number[];
  readonly contributors: number;
  /** One contributor's noise has a deviation of 2^this counts. */
  readonly noiseExponent: number;
  /** Length of the windows' bins. */
  readonly binMs: number;
}

/** Noise in the tail count, as a share of it: above this the public table is the better guess. */
export const TAIL_NOISE_MAX = 0.2;

/**
 * Deviation of the noise in the count of windows with p ≤ α, as a share of that count; infinite where nothing is left, or
 * where nobody knows what is ordinary for bins of this length.
 */
export function tailNoise(
  shared: SharedHistogram,
  { alphaPpm }: Pick<CalibrationTable, 'alphaPpm'>,
): number {
  const windows = windowsIn(shared.counts);
  const ordinaryPpm = ORDINARY_SHARE_PPM.get(shared.binMs);
  if (windows < 1 || ordinaryPpm === undefined) return Number.POSITIVE_INFINITY;
  const bins = Math.ceil((HISTOGRAM_BINS * alphaPpm) / 1e6);
  const deviation = 2 ** shared.noiseExponent * Math.sqrt(shared.contributors * bins);
  return deviation / ((windows * ordinaryPpm) / 1e6);
}

/**
 * @param table - the public one; α stays within half and double of its own, whatever the histogram says: beyond that people
 *   decide
 * @throws {DetectorError} `ERR_TABLE_CALIBRATION` for counts of another length or that are no integers
 */
export function federatedTable(table: CalibrationTable, shared: SharedHistogram): CalibrationTable {
  const { alphaPpm } = table;
  if (tailNoise(shared, table) > TAIL_NOISE_MAX) return table;
  const { pPpm } = sharedThreshold(shared.counts, ORDINARY_SHARE_PPM.get(shared.binMs)!);
  return retargetedTable(table, Math.min(2 * alphaPpm, Math.max(Math.ceil(alphaPpm / 2), pPpm)));
}
