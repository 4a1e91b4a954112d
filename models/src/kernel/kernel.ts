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

/** How a window's gradient becomes a bounded vector of integers. */
export interface Clipping {
  /** L2 bound C on one window's gradient. */
  readonly clippingNorm: number;
  /** Grid units per unit of gradient, D / C. */
  readonly gridScale: number;
  /** D: bound on the L2 norm of one window's integer vector, checked exactly. */
  readonly sensitivityUnits: number;
  /**
   * γ of automatic clipping (AUTO-S; Bu et al. 2023, arXiv:2206.07136): a gradient of norm n contributes C · n / (n + γ) in
   * its direction, whether n is above C or below. The sensitivity is the same D. Absent: n is cut at C.
   */
  readonly automaticStability?: number;
  /**
   * Where a window's norm comes from: `direct` from its gradient, `gram` from inner products over time. Absent: the
   * cheaper one for the shape. It decides the last bits of a factor, never the bound.
   */
  readonly norms?: GradientNorm;
}

export const GRADIENT_NORMS = ['direct', 'gram'] as const;
export type GradientNorm = (typeof GRADIENT_NORMS)[number];

export interface ClippedSumRequest extends WindowBatch, Clipping {
  /** `[windows]`, the Poisson mask: windows with 0 are not even read. */
  readonly select: Uint8Array;
  /** `[parameterCount]`, exact integers; the sum is added to what is there. */
  readonly out: Float64Array;
}

/** Private facts: they stay in the hospital. */
export interface ClippedSumReport {
  readonly contributing: number;
  /** Windows whose gradient's norm is above C. */
  readonly clipped: number;
  /** Windows that contribute zero, because their gradient is not finite (or its square leaves float32). */
  readonly nonFinite: number;
}

export interface Kernel {
  readonly architecture: Architecture;
  readonly layout: ParameterLayout;
  setParameters(parameters: Float32Array): void;
  /**
   * Observed minus reconstructed, `[windows, steps, features]`; 0 in padding and in absent columns. In a categorical group,
   * observed minus probability.
   */
  reconstruct(batch: WindowBatch): Float32Array;
  /**
   * Loss of each window: 3 × the mean over its steps and present heads (training-recipe.md 2.4), of Huber (threshold 1) for
   * a numeric column and of cross-entropy for a categorical group.
   */
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
  /** Parts of the summary that take part, in its order; absent: all of {@link STATISTICS}. */
  readonly statistics?: readonly Statistic[];
}

/** Of a column over a window's steps, in the order of a summary: mean, largest absolute value, standard deviation. */
export const STATISTICS = ['mean', 'largest', 'deviation'] as const;
export type Statistic = (typeof STATISTICS)[number];
