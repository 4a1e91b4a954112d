/**
 * The network-free member and control: per column mean and largest absolute value of the standardised features, whitened
 * like a residual summary. Additions, multiplications and divisions of doubles only, which every machine rounds alike.
 * @module
 */
import type { Normaliser, ScoredWindow, StratumKey, SummaryLaw } from '../detector/detector.js';
import { nonconformityOf } from '../detector/nonconformity.js';
import { standardise } from '../detector/normaliser.js';
import { presentColumns, projectMask } from '../detector/strata.js';
import { groupByStratum, type Member } from './member.js';

export interface FeaturesOptions {
  readonly name: string;
  readonly columns: readonly number[];
  readonly normaliser: Normaliser;
  readonly strata: readonly StratumKey[];
  readonly laws: readonly SummaryLaw[];
}

export function featuresMember(options: FeaturesOptions): Member {
  const { name, columns, normaliser, strata, laws } = options;
  return {
    name,
    nonconformities(windows) {
      const all = new Uint32Array(windows.length);
      for (const [stratum, indexes] of groupByStratum(strata, windows)) {
        const chosen = indexes.map((index) => windows[index]!);
        const { columnMask } = strata[stratum]!;
        const summaries = featureSummaries(chosen, { columns, normaliser, columnMask });
        const law = laws[stratum]!;
        const width = law.mean.length;
        indexes.forEach((index, i) => {
          const summary = summaries.subarray(i * width, (i + 1) * width);
          all[index] = nonconformityOf(squaredDistance(summary, law));
        });
      }
      return all;
    },
  };
}

/** Mean of each present column, then the largest absolute value of each, `[windows, 2 · present]`. */
export function featureSummaries(
  windows: readonly ScoredWindow[],
  of: Readonly<{ columns: readonly number[]; normaliser: Normaliser; columnMask: number }>,
): Float64Array {
  const width = of.columns.length;
  const present = presentColumns(projectMask(of.columnMask, of.columns), width);
  const { windows: inputs, lengths } = standardise(windows, of.normaliser, of.columns);
  const cells = inputs.length / Math.max(1, windows.length);
  const summaries = new Float64Array(windows.length * 2 * present.length);
  for (let window = 0; window < windows.length; window++) {
    const length = lengths[window]!;
    const into = window * 2 * present.length;
    for (const [place, column] of present.entries()) {
      let sum = 0;
      let largest = 0;
      for (let step = 0; step < length; step++) {
        const input = inputs[window * cells + step * width + column]!;
        sum += input;
        largest = Math.max(largest, Math.abs(input));
      }
      summaries[into + place] = sum / length;
      summaries[into + present.length + place] = largest;
    }
  }
  return summaries;
}

/** |L⁻¹ (u − μ)|². */
export function squaredDistance(summary: Float64Array, { mean, whitening }: SummaryLaw): number {
  const width = mean.length;
  let total = 0;
  let at = 0;
  for (let i = 0; i < width; i++) {
    let y = 0;
    for (let j = 0; j <= i; j++) y += whitening[at + j]! * (summary[j]! - mean[j]!);
    total += y * y;
    at += i + 1;
  }
  return total;
}
