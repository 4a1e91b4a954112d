/**
 * The norms that an honest update can have, out of the public privacy plan. Design: federation §5.
 * @module
 */
import type { PrivacyPlan } from '@bhschain/dp';

/** Bounds that follow from the plan, in units of 2^-20. */
export interface NormBounds {
  /** Deviation s of the noise in one coordinate of the update. */
  readonly noiseDeviation: number;
  /** Largest norm S that the signal of the update can have. */
  readonly signalNorm: number;
}

/**
 * A node may have this many times the nominal windows, or draw that many into a batch. The nominal number is public,
 * the real one is not; four leaves room for a hospital that grew.
 */
export const BATCH_HEADROOM = 4;
const UPDATE_SCALE = 2 ** 20;
/** Variance of rounding to the grid, in squared units. */
const ROUNDING = 1 / 12;

/**
 * An update is −η Σⱼ gⱼ·(gradient sum + noise)ⱼ / B over T steps, where momentum β gives step j the factor
 * gⱼ = (1 − β^(T−j+1)) / (1 − β), and B is the public expected batch. Hence, per coordinate and in units of 2^-20,
 *
 *     s² = (η·σC / B)²·Σ gⱼ² + 1/12      S = η·C·(B_max / B)·Σ gⱼ
 */
export function normBoundsOf(
  plan: Pick<
    PrivacyPlan,
    | 'steps'
    | 'momentumMicro'
    | 'learningRateMicro'
    | 'noiseMultiplier'
    | 'windowClippingNorm'
    | 'expectedBatch'
  >,
): NormBounds {
  const momentum = plan.momentumMicro / 1e6;
  const rate = plan.learningRateMicro / 1e6;
  let gain = 0;
  let gainSum = 0;
  let gainSquares = 0;
  // g of the last step is 1, of the one before 1 + β, and so on.
  for (let step = 0; step < plan.steps; step++) {
    gain = 1 + momentum * gain;
    gainSum += gain;
    gainSquares += gain * gain;
  }
  const stepNoise = (plan.noiseMultiplier * plan.windowClippingNorm) / plan.expectedBatch;
  return {
    noiseDeviation: Math.sqrt((UPDATE_SCALE * rate * stepNoise) ** 2 * gainSquares + ROUNDING),
    signalNorm: UPDATE_SCALE * rate * plan.windowClippingNorm * BATCH_HEADROOM * gainSum,
  };
}
