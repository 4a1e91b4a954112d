/**
 * P-values beyond the calibration: peaks over threshold. For ranking cases at a node, never for a decision on the ledger
 * (it uses powers, whose last bit differs between engines).
 *
 * A conformal p cannot fall below 1/(n + 1), so the strangest windows of a day are all alike. Above a high quantile u the
 * excess over u is close to a generalised Pareto law, P(X − u > y | X > u) = (1 + ξ y / σ)^(−1/ξ), which goes on.
 * Sources: Pickands 1975; Hosking & Wallis 1987 (probability-weighted moments, in closed form, for ξ < 1/2).
 * @module
 */
import { calibrationFault } from './calibration-fault.js';
import { lowerBound } from './sorted.js';

export interface Tail {
  /** `empirical`: too few exceedances, or a shape out of range; then p is the conformal one. */
  readonly law: 'generalised-pareto' | 'empirical';
  /** u: the law holds above it. */
  readonly threshold: number;
  /** ξ, dimensionless; NaN for the empirical law. */
  readonly shape: number;
  /** σ, in units of nonconformity; NaN for the empirical law. */
  readonly scale: number;
  readonly exceedances: number;
  /** Falls with x; > 0. */
  p(x: number): number;
}

export interface TailOptions {
  /** Normal windows, any order. */
  readonly nonconformities: ArrayLike<number>;
  /** Where the tail begins, 0.95 … 0.98. */
  readonly quantile?: number;
}

export const EXCEEDANCES_LEAST = 200;
const SHAPE_MAX = 0.5;

/**
 * @throws {DetectorError} `ERR_TABLE_CALIBRATION` for no window, a value that is not finite, or a quantile out of range
 */
export function fitTail({ nonconformities, quantile = 0.97 }: TailOptions): Tail {
  if (!(quantile >= 0.95 && quantile <= 0.98)) {
    throw calibrationFault('quantile', '0.95 … 0.98', quantile);
  }
  const sorted = Float64Array.from(nonconformities).sort();
  const n = sorted.length;
  if (n === 0) throw calibrationFault('nonconformities', 'at least one', 0);
  const bad = sorted.find((x) => !Number.isFinite(x));
  if (bad !== undefined) throw calibrationFault('nonconformities', 'finite numbers', bad);
  const threshold = sorted[Math.min(n - 1, Math.floor(quantile * n))]!;
  const excesses = sorted.filter((x) => x > threshold).map((x) => x - threshold);
  const conformal = (x: number): number => (1 + n - lowerBound(sorted, x)) / (n + 1);
  const empirical: Tail = {
    law: 'empirical',
    threshold,
    shape: NaN,
    scale: NaN,
    exceedances: excesses.length,
    p: conformal,
  };
  if (excesses.length < EXCEEDANCES_LEAST) return empirical;
  const { shape, scale } = paretoOf(excesses);
  if (!(Math.abs(shape) <= SHAPE_MAX && scale > 0)) return empirical;
  const share = (1 + excesses.length) / (n + 1);
  return {
    law: 'generalised-pareto',
    threshold,
    shape,
    scale,
    exceedances: excesses.length,
    p: (x) =>
      x <= threshold
        ? Math.max(share, conformal(x))
        : Math.max(Number.MIN_VALUE, share * survival((x - threshold) / scale, shape)),
  };
}

/** By probability-weighted moments a₀ = E Y, a₁ = E Y (1 − F(Y)), of ascending excesses. */
function paretoOf(excesses: Float64Array): { shape: number; scale: number } {
  const n = excesses.length;
  let a0 = 0;
  let a1 = 0;
  excesses.forEach((y, i) => {
    a0 += y / n;
    a1 += (y * (1 - (i + 1 - 0.35) / n)) / n;
  });
  const difference = a0 - 2 * a1;
  return { shape: 2 - a0 / difference, scale: (2 * a0 * a1) / difference };
}

function survival(y: number, shape: number): number {
  if (Math.abs(shape) < 1e-9) return Math.exp(-y);
  const base = 1 + shape * y;
  // A negative shape has an end; beyond it nothing was expected at all.
  return base <= 0 ? 0 : base ** (-1 / shape);
}
