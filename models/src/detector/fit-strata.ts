/**
 * The public law of summaries: mean and covariance (+ ridge) of each stratum, from simulated windows only, so it costs no
 * privacy budget (training-recipe.md 2.1).
 * @module
 */
import { DetectorError } from '../errors.js';
import { featureSummaries } from '../ensemble/features-member.js';
import type { Kernel, SummarySource, Whitening, WindowBatch } from '../kernel/index.js';
import type { Normaliser, ScoredWindow, StratumKey, SummaryLaw } from './detector.js';
import { presentColumns } from './strata.js';
import { toWhiteningGrid } from './whitening-grid.js';

/** Added to the diagonal of a covariance. */
const RIDGE = 0.001;

/** A stratum with the law of its summaries, its mask counting the kernel's own columns. */
export interface Stratum extends StratumKey, Whitening {}

export interface FitStrataOptions {
  /** Holds the parameters of the model whose residuals are summarised. */
  readonly kernel: Kernel;
  /** Normal, simulated windows; a stratum uses those of its lengths, with its columns taken away. */
  readonly batch: WindowBatch;
  readonly keys: readonly StratumKey[];
  /** Added to the diagonal of the covariance. */
  readonly ridge?: number;
  readonly of?: SummarySource;
}

/**
 * @throws {DetectorError} `ERR_STRATUM_FIT` if a stratum has fewer windows than summary entries
 */
export function fitStrata(options: FitStrataOptions): Stratum[] {
  const { kernel, batch, keys, ridge = RIDGE, of = 'residuals' } = options;
  const { features } = kernel.architecture;
  return keys.map((key) => {
    const present = presentColumns(key.columnMask, features);
    const entries = [0, 1, 2].flatMap((part) => present.map((column) => part * features + column));
    const chosen = selectLengths(kernel, batch, key);
    const all = kernel.summary(chosen, of);
    const count = chosen.lengths.length;
    const summaries = new Float64Array(count * entries.length);
    for (let row = 0; row < count; row++) {
      entries.forEach((entry, i) => {
        summaries[row * entries.length + i] = all[row * 3 * features + entry]!;
      });
    }
    return { ...key, ...lawOf(summaries, entries.length, ridge) };
  });
}

/**
 * The law of the features themselves in one stratum, from its normal, simulated windows.
 * @throws {DetectorError} `ERR_STRATUM_FIT`
 */
export function fitFeaturesLaw(
  windows: readonly ScoredWindow[],
  key: StratumKey,
  of: Readonly<{ columns: readonly number[]; normaliser: Normaliser; ridge?: number }>,
): SummaryLaw {
  const { columns, normaliser, ridge = RIDGE } = of;
  const chosen = windows.filter(
    ({ rows }) => rows.length >= key.lengthMin && rows.length <= key.lengthMax,
  );
  const least = 2 * columns.length;
  if (chosen.length < least) throw tooFew(key, least, chosen.length);
  const summaries = featureSummaries(chosen, { columns, normaliser, columnMask: key.columnMask });
  return lawOf(summaries, summaries.length / chosen.length, ridge);
}

/** Mean and inverse Cholesky factor of `[rows, width]` summaries. */
function lawOf(summaries: Float64Array, width: number, ridge: number): SummaryLaw {
  const mean = meanOf(summaries, width);
  const covariance = covarianceOf(summaries, width, mean);
  for (let i = 0; i < width; i++) covariance[i * width + i]! += ridge;
  const factor = invertLower(choleskyOf(covariance, width), width);
  return { mean: Float32Array.from(mean), whitening: toWhiteningGrid(factor, width) };
}

function tooFew(key: StratumKey, least: number, got: number): DetectorError {
  return new DetectorError(
    'ERR_STRATUM_FIT',
    `windows of ${key.lengthMin} … ${key.lengthMax} steps: expected at least ${least}, got ${got}`,
    { ...key, least, got },
  );
}

function selectLengths(kernel: Kernel, batch: WindowBatch, key: StratumKey): WindowBatch {
  const { steps, features } = kernel.architecture;
  const cells = steps * features;
  const chosen = [...batch.lengths.keys()].filter(
    (i) => batch.lengths[i]! >= key.lengthMin && batch.lengths[i]! <= key.lengthMax,
  );
  const least = 3 * features;
  if (chosen.length < least) throw tooFew(key, least, chosen.length);
  const windows = new Float32Array(chosen.length * cells);
  chosen.forEach((from, to) => {
    windows.set(batch.windows.subarray(from * cells, (from + 1) * cells), to * cells);
  });
  const lengths = Uint8Array.from(chosen, (i) => batch.lengths[i]!);
  return { windows, lengths, columnMask: key.columnMask };
}

function meanOf(summaries: Float64Array, width: number): Float64Array {
  const mean = new Float64Array(width);
  summaries.forEach((entry, i) => (mean[i % width]! += entry));
  const count = summaries.length / width;
  return mean.map((sum) => sum / count);
}

function covarianceOf(summaries: Float64Array, width: number, mean: Float64Array): Float64Array {
  const count = summaries.length / width;
  const covariance = new Float64Array(width * width);
  const centred = new Float64Array(width);
  for (let row = 0; row < count; row++) {
    for (let i = 0; i < width; i++) centred[i] = summaries[row * width + i]! - mean[i]!;
    for (let i = 0; i < width; i++) {
      for (let j = 0; j <= i; j++) covariance[i * width + j]! += centred[i]! * centred[j]!;
    }
  }
  return covariance.map((sum) => sum / count);
}

/** Lower factor L of a positive definite matrix given by its lower triangle; row-major, in a new array. */
export function choleskyOf(matrix: Float64Array, width: number): Float64Array {
  const lower = new Float64Array(width * width);
  for (let i = 0; i < width; i++) {
    for (let j = 0; j <= i; j++) {
      let sum = matrix[i * width + j]!;
      for (let k = 0; k < j; k++) sum -= lower[i * width + k]! * lower[j * width + k]!;
      if (i === j && !(sum > 0)) {
        throw new DetectorError('ERR_STRATUM_FIT', `covariance: not positive definite at ${i}`, {
          entry: i,
        });
      }
      lower[i * width + j] = i === j ? Math.sqrt(sum) : sum / lower[j * width + j]!;
    }
  }
  return lower;
}

/** Inverse of a lower triangular matrix, its triangle packed row by row. */
function invertLower(lower: Float64Array, width: number): Float32Array {
  const packed = new Float64Array((width * (width + 1)) / 2);
  const at = (i: number, j: number): number => (i * (i + 1)) / 2 + j;
  for (let j = 0; j < width; j++) {
    packed[at(j, j)] = 1 / lower[j * width + j]!;
    for (let i = j + 1; i < width; i++) {
      let sum = 0;
      for (let k = j; k < i; k++) sum -= lower[i * width + k]! * packed[at(k, j)]!;
      packed[at(i, j)] = sum / lower[i * width + i]!;
    }
  }
  return Float32Array.from(packed);
}
