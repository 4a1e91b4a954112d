/**
 * Histograms of several hospitals, entry by entry. Integers far below 2^53, so that the order of nodes cannot show.
 * @module
 */
export interface HistogramSum {
  /** `[bins]` */
  readonly counts: readonly number[];
  add(counts: Int32Array): void;
}

export function createHistogramSum(bins: number): HistogramSum {
  const counts = new Array<number>(bins).fill(0);
  return {
    counts,
    add(more) {
      for (let bin = 0; bin < bins; bin++) counts[bin]! += more[bin]!;
    },
  };
}
