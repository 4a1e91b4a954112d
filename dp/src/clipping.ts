/**
 * Clipping one window's gradient onto an integer grid, with a sensitivity that holds exactly.
 *
 * A float sum of float vectors exceeds its nominal sensitivity under reordering (Casacuberta et al. 2022,
 * arXiv:2207.10635), so the bound is checked on the integers that are summed, not on the floats that they come from.
 * Source of the rule: Abadi et al. 2016 (arXiv:1607.00133), Algorithm 1; Balle et al. 2022 on integer clipping.
 * @module
 */
import { requireInteger, requirePositive } from './argument-checks.js';
import { InvalidArgumentError } from './errors.js';

declare const sensitivity: unique symbol;

/** An L2 sensitivity on the grid. Plans derive it; a number that somebody typed is not one. */
export type SensitivityUnits = number & { readonly [sensitivity]: 'L2' };

export interface GridClipping {
  /** The bound C on the L2 norm of one window's gradient. */
  readonly clippingNorm: number;
  /** Grid units per unit of gradient; the plan derives D / C. */
  readonly gridScale: number;
  /** D: the integer bound on the L2 norm of what is summed. */
  readonly sensitivityUnits: SensitivityUnits;
}

/** D above this would let a sum of squares leave the exact range of a double. */
export const SENSITIVITY_UNITS_MAX = 16_777_216; // 2^24: D² = 2^48

/**
 * Writes round(gridScale · min(1, C / ‖g‖) · g) into `out`; `out` then has Σ out² <= D², exactly, whatever came in.
 *
 * | input                                        | result                                                     |
 * |----------------------------------------------|------------------------------------------------------------|
 * | all zeros                                    | all zeros, contributes                                     |
 * | NaN or ±∞ anywhere                           | all zeros, does not contribute: failure tells nothing      |
 * | rounding to nearest leaves the ball          | rounded towards zero instead, which cannot raise the norm  |
 * | still outside (the caller's scale is not D/C)| all zeros, does not contribute                             |
 *
 * `clipped` and `contributes` are private facts: they may steer nothing that leaves the hospital.
 *
 * @param gradient - one window's gradient, `[parameterCount]`
 * @param out - grid units, `[parameterCount]`
 * @throws {InvalidArgumentError} `ERR_DP_ARGUMENT` for a bad option or another length of `out`
 */
export function clipToGrid(
  gradient: Float32Array,
  options: GridClipping,
  out: Int32Array,
): { clipped: boolean; contributes: boolean } {
  const { clippingNorm, gridScale, sensitivityUnits } = options;
  requirePositive('clippingNorm', clippingNorm);
  requirePositive('gridScale', gridScale);
  requireInteger('sensitivityUnits', sensitivityUnits, { min: 1, max: SENSITIVITY_UNITS_MAX });
  if (out.length !== gradient.length) {
    throw new InvalidArgumentError('out', `length ${gradient.length}`, out);
  }
  let squares = 0;
  for (const value of gradient) squares += value * value;
  // Squares of float32 values and their sum cannot overflow a double, so ∞ or NaN here was there before.
  if (!Number.isFinite(squares)) {
    out.fill(0);
    return { clipped: false, contributes: false };
  }
  const norm = Math.sqrt(squares);
  const clipped = norm > clippingNorm;
  const scale = clipped ? gridScale * (clippingNorm / norm) : gridScale;
  const limit = sensitivityUnits * sensitivityUnits;
  const contributes =
    quantise(gradient, scale, Math.round, limit, out) ||
    quantise(gradient, scale, Math.trunc, limit, out);
  if (!contributes) out.fill(0);
  return { clipped, contributes };
}

/** @returns whether Σ v² <= limit; stops at the first coordinate that breaks it, so every sum stays exact */
function quantise(
  gradient: Float32Array,
  scale: number,
  round: (value: number) => number,
  limit: number,
  out: Int32Array,
): boolean {
  let squares = 0;
  for (let i = 0; i < gradient.length; i++) {
    const value = round(gradient[i]! * scale);
    // |v| <= D first: only then is v² exact and `out` cannot wrap.
    if (value * value > limit) return false;
    squares += value * value;
    if (squares > limit) return false;
    out[i] = value;
  }
  return true;
}
