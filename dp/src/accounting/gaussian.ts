/**
 * The Gaussian mechanism, exactly.
 * Source: Balle, Wang 2018, "Improving the Gaussian Mechanism" (arXiv:1805.06530), Theorem 8.
 * @module
 */
import { requireDelta, requireNonNegative, requirePositive } from '../argument-checks.js';
import { logNormalCdf } from '../numerics/normal-distribution.js';
import { bisectToTrue } from '../numerics/root-search.js';

/**
 * δ(ε) = Φ(1/s − t) − e^ε Φ(−t) with t = ε s + 1/(2s).
 * n releases on the same data are one of multiplier s / √n.
 *
 * @param noiseMultiplier - s > 0
 * @param epsilon - any finite number
 * @throws {InvalidArgumentError} `ERR_DP_ARGUMENT`
 */
export function gaussianDelta(noiseMultiplier: number, epsilon: number): number {
  requirePositive('noiseMultiplier', noiseMultiplier);
  if (epsilon === Infinity) return 0;
  const s = noiseMultiplier;
  const t = epsilon * s + 1 / (2 * s);
  const kept = logNormalCdf(1 / s - t);
  const lost = epsilon + logNormalCdf(-t);
  if (lost >= kept) return 0;
  return Math.exp(kept) * -Math.expm1(lost - kept);
}

/**
 * The smallest ε >= 0 with δ(ε) <= delta; the end of the last bracket that keeps the promise is returned.
 * @throws {InvalidArgumentError} `ERR_DP_ARGUMENT`
 */
export function gaussianEpsilon(noiseMultiplier: number, delta: number): number {
  requirePositive('noiseMultiplier', noiseMultiplier);
  requireDelta('delta', delta);
  if (gaussianDelta(noiseMultiplier, 0) <= delta) return 0;
  let high = 1;
  while (gaussianDelta(noiseMultiplier, high) > delta) high *= 2;
  return bisectToTrue(
    (epsilon) => gaussianDelta(noiseMultiplier, epsilon) <= delta,
    { low: 0, high },
    1e-15,
  );
}

/**
 * The smallest multiplier s for (ε, δ); the safe side of the last bracket is returned.
 * Worked: ε = 0.5, δ = 1e-5 gives 7.0318266756, where the classical √(2 ln(1.25/δ))/ε says 9.69.
 * @throws {InvalidArgumentError} `ERR_DP_ARGUMENT`
 */
export function gaussianNoiseMultiplier(epsilon: number, delta: number): number {
  requireNonNegative('epsilon', epsilon);
  requireDelta('delta', delta);
  let high = 1;
  while (gaussianDelta(high, epsilon) > delta) high *= 2;
  let low = high / 2;
  while (gaussianDelta(low, epsilon) <= delta) low /= 2;
  return bisectToTrue((s) => gaussianDelta(s, epsilon) <= delta, { low, high }, 1e-15);
}
