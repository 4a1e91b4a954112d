/**
 * A node looks at its own update before anybody else does: a defective trainer must not send what the noise was
 * meant to cover. The envelope is the plan's, `federation.md` §5: with d parameters, noise deviation s and signal
 * bound S the squared norm lies in [d·s² − κ·s²·√(2d), S² + d·s² + κ·√(2d·s⁴ + 4·S²·s²)].
 * @module
 */
import type { PrivacyPlan } from '@bhschain/dp';
import { HospitalNodeError } from '../errors.js';

const KAPPA = 12;
const MICRO = 1e6;

export interface NormEnvelope {
  /** Squared, in units of the update grid. */
  readonly least: number;
  readonly most: number;
}

/**
 * Momentum weights the noisy gradient of step t by a_t = (1 − μ^(T−t)) / (1 − μ); s² sums their squares, S their values.
 *
 * @param batchMax - most windows that any step selected; private, so this envelope stays in the hospital
 */
export function normEnvelope(plan: PrivacyPlan, batchMax: number): NormEnvelope {
  const rate = plan.learningRateMicro / MICRO;
  const momentum = plan.momentumMicro / MICRO;
  const unit = 2 ** plan.updateScaleLog2;
  let weights = 0;
  let weightSquares = 0;
  for (let step = 0; step < plan.steps; step++) {
    const left = plan.steps - step;
    const weight = momentum === 1 ? left : (1 - momentum ** left) / (1 - momentum);
    weights += weight;
    weightSquares += weight * weight;
  }
  const perWindow = (rate * plan.windowClippingNorm * unit) / plan.expectedBatch;
  const d = plan.parameterCount;
  // 1/12 is the variance of rounding to the grid.
  const variance = (perWindow * plan.noiseMultiplier) ** 2 * weightSquares + 1 / 12;
  const signal = (perWindow * batchMax * weights) ** 2;
  return {
    least: Math.max(0, d * variance - KAPPA * variance * Math.sqrt(2 * d)),
    most:
      signal +
      d * variance +
      KAPPA * Math.sqrt(2 * d * variance * variance + 4 * signal * variance),
  };
}

/** @throws {HospitalNodeError} `ERR_UPDATE_NORM`; the interval stays spent and nothing is sent */
export function screenOwnUpdate(update: Int32Array, envelope: NormEnvelope): void {
  let squares = 0;
  for (const entry of update) squares += entry * entry;
  if (squares >= envelope.least && squares <= envelope.most) return;
  throw new HospitalNodeError(
    'ERR_UPDATE_NORM',
    squares < envelope.least
      ? 'own update is smaller than its noise can be; the noise did not get in'
      : 'own update is larger than clipping and noise allow',
    { tooSmall: squares < envelope.least },
  );
}
