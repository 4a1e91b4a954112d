/**
 * Split-conformal p-values and the score that the product shows. The threshold is fixed on calibration sessions that the
 * test never sees.
 * Source: Bates, Candès, Lei, Romano & Sesia 2023, "Testing for outliers with conformal p-values", Ann. Statist. 51.
 * @module
 */

export const THETA = 0.87;
export const ALPHA = 0.032;
const GAMMA = Math.log(1 - THETA) / Math.log(ALPHA);

/** p(x) = (1 + #{calibration ≥ x}) / (n + 1). */
export type PValue = (nonconformity: number) => number;

export function conformal(calibration: readonly number[]): PValue {
  const sorted = calibration.toSorted((a, b) => a - b);
  return (nonconformity) => {
    let low = 0;
    let high = sorted.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (sorted[middle]! < nonconformity) low = middle + 1;
      else high = middle;
    }
    return (1 + sorted.length - low) / (sorted.length + 1);
  };
}

/** s = 1 − p^γ: θ = 0.87 exactly where p = α (detection.md §5). */
export function scoreOf(p: number): number {
  return 1 - p ** GAMMA;
}

/** Joined evidence of dependent p-values, up to a constant their harmonic mean; higher is stranger. Source: Wilson 2019. */
export function evidence(pValues: readonly number[]): number {
  return pValues.reduce((sum, p) => sum + 1 / p, 0);
}
