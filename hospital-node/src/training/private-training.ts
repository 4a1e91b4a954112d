/**
 * Local SGD with momentum over the noisy steps of one round: a pure function of (base model, sums, masks, noise).
 * Noise goes onto a clipped integer sum and onto nothing else, from a pool that a debit has opened: dp's types say so.
 * Everything after that sum is post-processing.
 * Sources: Abadi et al. 2016, Algorithm 1 (arXiv:1607.00133); `privacy.md` §8; `training-recipe.md` §2.4.
 * @module
 */
import {
  meanGradient,
  releaseSum,
  sumFromKernel,
  type NoisePool,
  type PrivacyPlan,
} from '@bhschain/dp';
import { HospitalNodeError } from '../errors.js';
import type { KernelSum } from './kernel-sums.js';

export interface TrainingInput {
  readonly plan: PrivacyPlan;
  /** `[parameterCount]` in units of 2^-updateScaleLog2. */
  readonly base: Int32Array;
  readonly windowCount: number;
  /** Poisson masks, `[steps, windows]`; overwritten at the end. */
  readonly selections: Uint8Array;
  /** Drawn for this plan and opened by its debit; closed at the end, whatever that is. */
  readonly noise: NoisePool;
}

/** A step's clipped sum at these parameters over the selected windows, wherever it is computed. */
export type ClippedSums = (
  parameters: Float32Array,
  select: Uint8Array,
) => KernelSum | Promise<KernelSum>;

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

const MICRO = 1e6;
const INT32_MAX = 2 ** 31 - 1;

/**
 * With no window at all the result is the noise-only step; that is right, since "too few windows" would tell about N.
 *
 * @throws {HospitalNodeError} `ERR_UPDATE_RANGE` if a parameter or an update leaves the int32 grid or is not finite,
 *   `ERR_TRAINING_INPUT` for a wrong length
 * @throws {NoisePoolError} `ERR_DP_NOISE_POOL` if the noise is of another plan, not opened or used up
 */
export async function trainPrivately(
  sums: ClippedSums,
  input: TrainingInput,
): Promise<TrainingResult> {
  try {
    return await train(sums, input);
  } finally {
    input.noise.close();
    input.selections.fill(0);
  }
}

async function train(sums: ClippedSums, input: TrainingInput): Promise<TrainingResult> {
  const { plan, base, noise, windowCount } = input;
  const { parameterCount, steps } = plan;
  requireLength('base', base.length, parameterCount);
  requireLength('selections', input.selections.length, steps * windowCount);

  const gridUnit = 2 ** -plan.updateScaleLog2;
  const rate = plan.learningRateMicro / MICRO;
  const momentum = plan.momentumMicro / MICRO;
  const parameters = Float64Array.from(base, (value) => value * gridUnit);
  const velocity = new Float64Array(parameterCount);
  const report = { contributing: 0, clipped: 0, nonFinite: 0 };

  for (let step = 0; step < steps; step++) {
    let units: Float64Array = new Float64Array(parameterCount);
    if (windowCount > 0) {
      const select = input.selections.slice(step * windowCount, (step + 1) * windowCount);
      const sum = await sums(Float32Array.from(parameters), select);
      units = sum.units;
      report.contributing += sum.contributing;
      report.clipped += sum.clipped;
      report.nonFinite += sum.nonFinite;
    }
    const release = releaseSum(sumFromKernel(plan, units), noise.next());
    units.fill(0);
    const gradient = meanGradient(release);
    for (let i = 0; i < parameterCount; i++) {
      velocity[i] = momentum * velocity[i]! + gradient[i]!;
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
