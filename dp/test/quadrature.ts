/**
 * Numerical integrals that share no code with what they check.
 * @module
 */

/** ln E_{z ~ N(0, s²)} [((1−q) + q e^{(2z−1)/(2s²)})^a], by a fine trapezoid sum around the peak of the integrand. */
export function logMomentByQuadrature(q: number, s: number, a: number): number {
  const exponent = (z: number): number => {
    const tilt = (2 * z - 1) / (2 * s * s);
    const log =
      tilt > 0 ? tilt + Math.log(q + (1 - q) * Math.exp(-tilt)) : Math.log1p(q * Math.expm1(tilt));
    return a * log - (z * z) / (2 * s * s);
  };
  // The mass lies between 0 and a, and ±14 deviations around.
  const [low, high] = [-14 * s, a + 14 * s];
  const steps = 400_000;
  const h = (high - low) / steps;
  let top = -Infinity;
  for (let i = 0; i <= steps; i++) top = Math.max(top, exponent(low + i * h));
  let sum = 0;
  let lost = 0;
  for (let i = 0; i <= steps; i++) {
    const term = Math.exp(exponent(low + i * h) - top) - lost;
    const next = sum + term;
    lost = next - sum - term;
    sum = next;
  }
  return top + Math.log((sum * h) / (s * Math.sqrt(2 * Math.PI)));
}
