/**
 * Zero-concentrated differential privacy: one number ρ that adds up, and its (ε, δ).
 * Source: Bun, Steinke 2016 (arXiv:1605.02065); conversion of Canonne, Kamath, Steinke 2020 (arXiv:2004.00010),
 * Proposition 12, as in opendp `cdp_delta`.
 * @module
 */
import { requireDelta } from '../argument-checks.js';
import { InvalidArgumentError } from '../errors.js';
import { bisectToTrue } from '../numerics/root-search.js';

/** ρ of the (discrete) Gaussian of this noise multiplier: 1 / (2 s²). */
export function gaussianRho(noiseMultiplier: number): number {
  if (!(noiseMultiplier > 0))
    throw new InvalidArgumentError('noiseMultiplier', 'a number > 0', noiseMultiplier);
  return 1 / (2 * noiseMultiplier * noiseMultiplier);
}

/**
 * δ(ε) = min over a > 1 of exp((a−1)(aρ − ε) + a ln(1 − 1/a)) / (a − 1).
 *
 * | input   | result |
 * |---------|--------|
 * | ρ = 0   | 0      |
 * | ρ = ∞   | 1      |
 * | ε = ∞   | 0      |
 *
 * @throws {InvalidArgumentError} `ERR_DP_ARGUMENT` for a negative number or NaN
 */
export function zcdpDelta(rho: number, epsilon: number): number {
  if (!(rho >= 0)) throw new InvalidArgumentError('rho', 'a number >= 0', rho);
  if (!(epsilon >= 0)) throw new InvalidArgumentError('epsilon', 'a number >= 0', epsilon);
  if (rho === 0 || epsilon === Infinity) return 0;
  if (rho === Infinity) return 1;
  // The derivative of the exponent, (2a−1)ρ − ε + ln(1 − 1/a), rises in a: bisect for its zero. Any a is a bound.
  const order = bisectToTrue(
    (a) => (2 * a - 1) * rho - epsilon + Math.log1p(-1 / a) >= 0,
    { low: 1.01, high: (epsilon + 1) / (2 * rho) + 2 },
    1e-16,
  );
  const log = (order - 1) * (order * rho - epsilon) + order * Math.log1p(-1 / order);
  return Math.min(1, Math.exp(log) / (order - 1));
}

/** The smallest ε >= 0 with zcdpDelta(ρ, ε) <= delta; the safe end of the bracket. */
export function zcdpEpsilon(rho: number, delta: number): number {
  requireDelta('delta', delta);
  if (rho === Infinity) return Infinity;
  const holds = (epsilon: number): boolean => zcdpDelta(rho, epsilon) <= delta;
  if (holds(0)) return 0;
  let high = 1;
  while (!holds(high)) high *= 2;
  return bisectToTrue(holds, { low: 0, high }, 1e-14);
}
