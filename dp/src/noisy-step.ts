/**
 * One noised step with types that refuse misuse: noise goes onto a clipped *sum* only, a `Release` comes out of a plan
 * and a pool only, and the mean is taken afterwards by the plan's public divisor.
 * @module
 */
import { clipToGrid } from './clipping.js';
import { InvalidArgumentError } from './errors.js';
import { takeNoise, type StepNoise } from './noise-pool.js';
import type { Adjacency } from './privacy-event.js';
import type { PrivacyPlan, PrivacyUnit } from './privacy-plan.js';

declare const sensitive: unique symbol;
declare const released: unique symbol;
declare const averaged: unique symbol;

/** A sum of integer vectors, each inside of the plan's ball: one window moves it by at most D. Not to be sent. */
export interface SensitiveSum<
  Unit extends PrivacyUnit = PrivacyUnit,
  Relation extends Adjacency = Adjacency,
> {
  readonly [sensitive]: 'sum';
  readonly plan: PrivacyPlan<Unit, Relation>;
  /** Grid units, integers, `[parameterCount]`. */
  readonly units: Float64Array;
}

/** A noised sum. What is made of it is post-processing. */
export interface Release<
  Unit extends PrivacyUnit = PrivacyUnit,
  Relation extends Adjacency = Adjacency,
> {
  readonly [released]: 'sum';
  readonly plan: PrivacyPlan<Unit, Relation>;
  readonly units: Float64Array;
}

/** A noised sum over the public divisor. Post-processing: noise never goes onto it. */
export type MeanGradient = Float64Array & { readonly [averaged]: 'mean' };

/**
 * Clips and sums the selected windows. The reference for the kernel, which does the same in one pass.
 *
 * | select                | result                                                    |
 * |-----------------------|-----------------------------------------------------------|
 * | nobody, or no windows | zeros: still released, as a noise-only step               |
 *
 * @param gradients - one vector a window, each `[parameterCount]`
 * @param select - Poisson mask, one byte a window
 * @throws {InvalidArgumentError} `ERR_DP_ARGUMENT` for a wrong length
 */
export function sumClipped<Unit extends PrivacyUnit, Relation extends Adjacency>(
  plan: PrivacyPlan<Unit, Relation>,
  gradients: readonly Float32Array[],
  select: Uint8Array,
): SensitiveSum<Unit, Relation> {
  if (select.length !== gradients.length) {
    throw new InvalidArgumentError('select', `length ${gradients.length}`, select);
  }
  const units = new Float64Array(plan.parameterCount);
  const clipped = new Int32Array(plan.parameterCount);
  const options = {
    clippingNorm: plan.windowClippingNorm,
    gridScale: plan.gridScale,
    sensitivityUnits: plan.sensitivityUnits,
  };
  gradients.forEach((gradient, window) => {
    if (select[window] === 0) return;
    clipToGrid(gradient, options, clipped);
    for (let i = 0; i < units.length; i++) units[i] = units[i]! + clipped[i]!;
  });
  return { plan, units } as SensitiveSum<Unit, Relation>;
}

/**
 * Takes over sums that the kernel has made under this plan. The one place where a claim about sensitivity comes from
 * outside; length and integrality are checked, the ball cannot be seen any more.
 * @throws {InvalidArgumentError} `ERR_DP_ARGUMENT` for a wrong length or a value that is not a safe integer
 */
export function sumFromKernel<Unit extends PrivacyUnit, Relation extends Adjacency>(
  plan: PrivacyPlan<Unit, Relation>,
  units: Float64Array,
): SensitiveSum<Unit, Relation> {
  if (units.length !== plan.parameterCount) {
    throw new InvalidArgumentError('units', `length ${plan.parameterCount}`, units);
  }
  const odd = units.find((value) => !Number.isSafeInteger(value));
  if (odd !== undefined) throw new InvalidArgumentError('units', 'safe integers', odd);
  return { plan, units } as SensitiveSum<Unit, Relation>;
}

/**
 * Adds a noise vector, once. Integers only, so that no float bit tells of the sum.
 * @throws {NoisePoolError} `ERR_DP_NOISE_POOL` when the noise was used before or is of another plan
 */
export function releaseSum<Unit extends PrivacyUnit, Relation extends Adjacency>(
  sum: SensitiveSum<Unit, Relation>,
  noise: StepNoise<NoInfer<Unit>, NoInfer<Relation>>,
): Release<Unit, Relation> {
  const vector = takeNoise(noise, sum.plan);
  const units = sum.units.map((value, i) => value + vector[i]!);
  vector.fill(0);
  return { plan: sum.plan, units } as Release<Unit, Relation>;
}

/** The mean gradient of a step: units / gridScale / expectedBatch. The divisor is public, never a count of windows. */
export function meanGradient(release: Release): MeanGradient {
  const { gridScale, expectedBatch } = release.plan;
  return release.units.map((value) => value / gridScale / expectedBatch) as MeanGradient;
}
