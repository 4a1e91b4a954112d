/**
 * What a column's error is in normal windows, so that the cells of a heat map can be compared across columns. A member's
 * public law has the mean of a column's largest error in a window; the Huber error of it is the yardstick here, the mean
 * over the networks that see the column, as the cells themselves are.
 * @module
 */
import {
  projectMask,
  stratumFor,
  type Detector,
  type ScoredWindow,
} from '@bhschain/models/detector';

/** @returns by column of the feature layout; a column that no network measures is missing */
export function usualErrors(
  { strata, members }: Detector,
  window: ScoredWindow,
): ReadonlyMap<number, number> {
  const found = new Map<number, number[]>();
  const stratum = stratumFor(strata, { mask: window.mask, length: window.rows.length });
  if (stratum === undefined) return new Map();
  for (const member of members) {
    if (member.kind !== 'autoencoder') continue;
    const missing = projectMask(stratum.columnMask, member.columns);
    const present = member.columns.filter((_, place) => ((missing >>> place) & 1) === 0);
    const { mean } = member.laws[strata.indexOf(stratum)]!;
    // Entries of the law: the means of all columns, then their largest errors, then the deviations.
    present.forEach((column, place) => {
      const list = found.get(column) ?? [];
      found.set(column, [...list, huber(mean[present.length + place]!)]);
    });
  }
  return new Map(
    [...found].map(([column, each]) => [column, each.reduce((a, b) => a + b, 0) / each.length]),
  );
}

/** Threshold 1, as the networks' own errors have it. */
function huber(residual: number): number {
  const size = Math.abs(residual);
  return size <= 1 ? 0.5 * size * size : size - 0.5;
}
