/**
 * The whitened residual summary of one autoencoder, and its older forms as arms of experiments.
 * @module
 */
import type { Normaliser, ScoredWindow, StratumKey, SummaryLaw } from '../detector/detector.js';
import { nonconformityOf } from '../detector/nonconformity.js';
import { standardise } from '../detector/normaliser.js';
import { projectMask } from '../detector/strata.js';
import type { Kernel, Whitening } from '../kernel/index.js';
import { groupByStratum, type Member } from './member.js';
import type { NetworkSpec } from './networks.js';

export interface AutoencoderOptions {
  readonly spec: NetworkSpec;
  /** Holds the network's parameters; its features are the spec's columns. */
  readonly kernel: Kernel;
  readonly normaliser: Normaliser;
  readonly strata: readonly StratumKey[];
  /** One a stratum. */
  readonly laws: readonly SummaryLaw[];
}

/** `trunc(d² · 65536)` of the squared Mahalanobis distance of the residual summary. */
export function autoencoderMember(options: AutoencoderOptions): Member {
  const { spec, kernel, normaliser, strata, laws } = options;
  const whitenings = laws.map((law, i) => whiteningOf(law, strata[i]!, spec.columns));
  return {
    name: spec.name,
    nonconformities(windows) {
      const all = new Uint32Array(windows.length);
      for (const [stratum, indexes] of groupByStratum(strata, windows)) {
        const whitening = whitenings[stratum]!;
        const chosen = indexes.map((index) => windows[index]!);
        const { windows: inputs, lengths } = standardise(chosen, normaliser, spec.columns);
        const batch = { windows: inputs, lengths, columnMask: whitening.columnMask };
        const distances = kernel.squaredDistances(batch, whitening);
        indexes.forEach((index, i) => (all[index] = nonconformityOf(distances[i]!)));
      }
      return all;
    },
  };
}

/** The law as the kernel takes it: its mask counts the network's own columns. */
export function whiteningOf(
  law: SummaryLaw,
  { columnMask }: StratumKey,
  columns: readonly number[],
): Whitening {
  return { ...law, columnMask: projectMask(columnMask, columns) };
}

/**
 * | form     | nonconformity of a window, with e the mean Huber error of a step                      |
 * |----------|----------------------------------------------------------------------------------------|
 * | windowed | mean of e over all steps + 0.5 × its largest mean over five steps in a row              |
 * | recent   | e of the current step + mean of e over the last five                                    |
 */
export type ErrorForm = 'windowed' | 'recent';

const MOVING = 5;

/** The older scores: arms that show what the whitened summary is worth. */
export function errorFormMember(
  options: Omit<AutoencoderOptions, 'laws'> & { readonly form: ErrorForm },
): Member {
  const { spec, kernel, normaliser, strata, form } = options;
  const width = spec.columns.length;
  return {
    name: `${spec.name} ${form} error`,
    nonconformities(windows) {
      const all = new Uint32Array(windows.length);
      for (const [stratum, indexes] of groupByStratum(strata, windows)) {
        const columnMask = projectMask(strata[stratum]!.columnMask, spec.columns);
        const chosen = indexes.map((index): ScoredWindow => windows[index]!);
        const { windows: inputs, lengths } = standardise(chosen, normaliser, spec.columns);
        const residuals = kernel.reconstruct({ windows: inputs, lengths, columnMask });
        const cells = residuals.length / indexes.length;
        indexes.forEach((index, i) => {
          const own = residuals.subarray(i * cells, i * cells + lengths[i]! * width);
          all[index] = nonconformityOf(errorOf(stepErrors(own, width), form));
        });
      }
      return all;
    },
  };
}

function stepErrors(residuals: Float32Array, width: number): number[] {
  return Array.from({ length: residuals.length / width }, (_, step) => {
    let sum = 0;
    for (let i = 0; i < width; i++) sum += huber(residuals[step * width + i]!);
    return sum / width;
  });
}

function errorOf(errors: readonly number[], form: ErrorForm): number {
  const mean = (of: readonly number[]): number =>
    of.reduce((sum, error) => sum + error, 0) / of.length;
  if (form === 'recent') return errors.at(-1)! + mean(errors.slice(-MOVING));
  const moving = errors.map((_, i) => mean(errors.slice(Math.max(0, i + 1 - MOVING), i + 1)));
  return mean(errors) + 0.5 * Math.max(...moving.slice(Math.min(MOVING, errors.length) - 1));
}

/** Huber error of a residual, threshold 1. */
export function huber(residual: number): number {
  const size = Math.abs(residual);
  return size <= 1 ? 0.5 * size * size : size - 0.5;
}
