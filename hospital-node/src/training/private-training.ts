/**
 * Local SGD with momentum over the noisy steps of one round: a pure function of (base model, windows, masks, noise).
 * No floating point stands between the integer norm check in the kernel and the noisy integer sum; everything after
 * that sum is post-processing.
 * Sources: Abadi et al. 2016, Algorithm 1 (arXiv:1607.00133); `privacy.md` §8; `training-recipe.md` §2.4.
 * @module
 */
import type { PrivacyPlan } from '@bhschain/dp';
import type { Architecture } from '@bhschain/models/architecture';
import type { Kernel } from '@bhschain/models/kernel';
import { HospitalNodeError } from '../errors.js';

/** The public facts of a plan that training needs. */
export type TrainingPlan = Pick<
  PrivacyPlan,
  | 'steps'
  | 'windowClippingNorm'
  | 'gridScale'
  | 'sensitivityUnits'
  | 'expectedBatch'
  | 'learningRateMicro'
  | 'momentumMicro'
  | 'updateScaleLog2'
  | 'parameterCount'
>;

/** Windows side by side, as the kernel takes them. Private: never leaves the hospital. */
export interface TrainingBatch {
  /** `[windows, steps, features]`, standardised. */
  readonly windows: Float32Array;
  /** `[windows]` */
  readonly lengths: Uint8Array;
  /** `[windows]`, bit i: column i is absent. */
  readonly columnMasks: Uint32Array;
}

export interface TrainingInput extends TrainingBatch {
  readonly plan: TrainingPlan;
  /** `[parameterCount]` in units of 2^-updateScaleLog2. */
  readonly base: Int32Array;
  /** Poisson masks, `[steps, windows]`. */
  readonly selections: Uint8Array;
  /** Discrete Gaussian noise, `[steps, parameterCount]`. */
  readonly noise: Int32Array;
}

/** What stays here: counts are data. */
export interface TrainingReport {
  readonly contributing: number;
  readonly clipped: number;
  readonly nonFinite: number;
}

export interface TrainingResult {
  /** `[parameterCount]` in units of 2^-updateScaleLog2: the only thing that may be released. */
  readonly update: Int32Array;
  readonly report: TrainingReport;
}

/** What a caller needs to run a round elsewhere. */
export interface TrainingTask extends TrainingInput {
  readonly architecture: Architecture;
}

const MICRO = 1e6;
const INT32_MAX = 2 ** 31 - 1;

/**
 * With no window at all the result is the noise-only step; that is right, since "too few windows" would tell about N.
 *
 * @throws {HospitalNodeError} `ERR_UPDATE_RANGE` if a parameter or an update leaves the int32 grid or is not finite
 */
export function trainPrivately(kernel: Kernel, input: TrainingInput): TrainingResult {
  const { plan, base, noise } = input;
  const { parameterCount, steps } = plan;
  const windowCount = input.lengths.length;
  requireLength('base', base.length, parameterCount);
  requireLength('noise', noise.length, steps * parameterCount);
  requireLength('selections', input.selections.length, steps * windowCount);

  const gridUnit = 2 ** -plan.updateScaleLog2;
  const rate = plan.learningRateMicro / MICRO;
  const momentum = plan.momentumMicro / MICRO;
  const divisor = plan.gridScale * plan.expectedBatch;
  const parameters = Float64Array.from(base, (value) => value * gridUnit);
  const velocity = new Float64Array(parameterCount);
  const sum = new Float64Array(parameterCount);
  const report = { contributing: 0, clipped: 0, nonFinite: 0 };

  for (let step = 0; step < steps; step++) {
    kernel.setParameters(Float32Array.from(parameters));
    sum.fill(0);
    if (windowCount > 0) {
      const counts = kernel.clippedSum({
        windows: input.windows,
        lengths: input.lengths,
        columnMask: input.columnMasks,
        select: input.selections.subarray(step * windowCount, (step + 1) * windowCount),
        clippingNorm: plan.windowClippingNorm,
        gridScale: plan.gridScale,
        sensitivityUnits: plan.sensitivityUnits,
        out: sum,
      });
      report.contributing += counts.contributing;
      report.clipped += counts.clipped;
      report.nonFinite += counts.nonFinite;
    }
    const offset = step * parameterCount;
    for (let i = 0; i < parameterCount; i++) {
      const noisyMean = (sum[i]! + noise[offset + i]!) / divisor;
      velocity[i] = momentum * velocity[i]! + noisyMean;
      parameters[i] = parameters[i]! - rate * velocity[i]!;
    }
  }
  return { update: quantise(parameters, base, plan.updateScaleLog2), report };
}

/** Trained minus base, on the grid of the wire. */
function quantise(parameters: Float64Array, base: Int32Array, scaleLog2: number): Int32Array {
  const scale = 2 ** scaleLog2;
  return Int32Array.from(parameters, (parameter, i) => {
    const trained = Math.round(parameter * scale);
    const delta = trained - base[i]!;
    if (!(Math.abs(delta) <= INT32_MAX && Math.abs(trained) <= INT32_MAX)) {
      throw new HospitalNodeError(
        'ERR_UPDATE_RANGE',
        `client update: entry ${i} left the int32 grid of 2^-${scaleLog2}; the training diverged`,
        { index: i },
      );
    }
    return delta;
  });
}

function requireLength(name: string, got: number, expected: number): void {
  if (got === expected) return;
  throw new HospitalNodeError(
    'ERR_TRAINING_INPUT',
    `${name}: expected ${expected} entries, got ${got}`,
    { name, got, expected },
  );
}
