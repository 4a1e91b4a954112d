/**
 * The kernel as its callers see it; `wasm-kernel.ts` is the one that there is.
 * @module
 */
import type { Architecture, ParameterLayout } from '../architecture/index.js';

/**
 * Windows side by side. `columnMask` names absent columns (bit i = column i; a number holds for all windows, an array has
 * one entry per window): they are neither read nor reconstructed. Rows at or after a window's length are never read.
 */
export interface WindowBatch {
  /** `[windows, steps, features]`, standardised. */
  readonly windows: Float32Array;
  /** `[windows]`, each 1 … steps. */
  readonly lengths: Uint8Array;
  readonly columnMask?: number | Uint32Array;
}

export interface ClippedSumRequest extends WindowBatch {
  /** `[windows]`, the Poisson mask: windows with 0 are not even read. */
  readonly select: Uint8Array;
  /** L2 bound C on one window's gradient. */
  readonly clippingNorm: number;
  /** Grid units per unit of gradient, D / C. */
  readonly gridScale: number;
  /** D: bound on the L2 norm of one window's integer vector, checked exactly. */
  readonly sensitivityUnits: number;
  /** `[parameterCount]`, exact integers; the sum is added to what is there. */
  readonly out: Float64Array;
}

/** Private facts: they stay in the hospital. */
export interface ClippedSumReport {
  readonly contributing: number;
  readonly clipped: number;
  readonly nonFinite: number;
}

export interface Kernel {
  readonly architecture: Architecture;
  readonly layout: ParameterLayout;
  setParameters(parameters: Float32Array): void;
  /** Observed minus reconstructed, `[windows, steps, features]`; 0 in padding and in absent columns. */
  reconstruct(batch: WindowBatch): Float32Array;
  /** Loss of each window: 3 × mean Huber over its unpadded, present cells (training-recipe.md 2.4). */
  losses(batch: WindowBatch): Float32Array;
  /** Gradient of the mean loss of the batch. */
  gradient(batch: WindowBatch): { gradient: Float32Array; loss: number };
  clippedSum(request: ClippedSumRequest): ClippedSumReport;
  /** Per column mean, largest absolute value and standard deviation of the residuals, `[windows, 3 · features]`. */
  summary(batch: WindowBatch, of?: SummarySource): Float32Array;
  /** Squared Mahalanobis distance of the summaries' present entries, `[windows]`. */
  squaredDistances(batch: WindowBatch, whitening: Whitening, of?: SummarySource): Float32Array;
}

/** What is summarised: what the network missed, or (the control) what it saw. */
export type SummarySource = 'residuals' | 'features';

/**
 * Not to be changed once it was used: a kernel keeps the last one it has packed.
 * Mean and inverse Cholesky factor over d entries: those of the columns outside `columnMask`, in summary order.
 */
export interface Whitening {
  readonly columnMask: number;
  /** `[d]` */
  readonly mean: Float32Array;
  /** Lower triangle of L⁻¹ with Σ = L Lᵀ, row by row, `[d (d + 1) / 2]`. */
  readonly whitening: Float32Array;
}
