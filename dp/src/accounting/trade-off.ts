/**
 * What an attacker can do with one guess: the trade-off curve of a privacy loss distribution.
 *
 * The best test between P and Q guesses P where the loss is large (Neyman, Pearson), so the curve is read off the grid
 * from the top. It lies above the true curve because the grid dominates the pair.
 * @module
 */
import { normalCdf, normalQuantileOfLog } from '../numerics/normal-distribution.js';
import type { LossGrid } from './loss-grid.js';

/** Largest true positive rate at a false positive rate in [0, 1], truncation and round-off charged. */
export function truePositiveRateAt(grid: LossGrid, falsePositiveRate: number): number {
  let found = 1;
  walk(grid, (from, to) => {
    if (to.falsePositives < falsePositiveRate) return true;
    found = between(from, to, falsePositiveRate);
    return false;
  });
  return Math.min(1, Math.max(falsePositiveRate, found + slackOf(grid)));
}

/**
 * The least μ for which N(0, 1) against N(μ, 1) is at least as easy to tell apart, wherever both error rates are
 * `errorRateMin` or more. Below that the grid's mass at infinity would decide, and no Gaussian has any.
 */
export function gaussianMuAt(grid: LossGrid, errorRateMin: number): number {
  const slack = slackOf(grid);
  let mu = 0;
  const consider = (falsePositives: number, truePositives: number): void => {
    const power = truePositives + slack;
    if (power >= 1) mu = Infinity;
    else mu = Math.max(mu, normalQuantile(power) - normalQuantile(falsePositives));
  };
  consider(errorRateMin, truePositiveRateAt(grid, errorRateMin) - slack);
  walk(grid, (from, to) => {
    if (to.truePositives + slack > 1 - errorRateMin) {
      // Chords lie below a Gaussian curve through their ends, so the corners and the two limits are enough.
      const share =
        (1 - errorRateMin - slack - from.truePositives) / (to.truePositives - from.truePositives);
      const limit = from.falsePositives + share * (to.falsePositives - from.falsePositives);
      if (limit > errorRateMin) consider(limit, 1 - errorRateMin - slack);
      return false;
    }
    if (to.falsePositives > errorRateMin) consider(to.falsePositives, to.truePositives);
    return true;
  });
  return mu;
}

/** Φ(Φ⁻¹(α) + μ): the curve of N(0, 1) against N(μ, 1). */
export function gaussianTruePositiveRate(mu: number, falsePositiveRate: number): number {
  if (falsePositiveRate === 0 || falsePositiveRate === 1) return falsePositiveRate;
  return normalCdf(normalQuantile(falsePositiveRate) + mu);
}

interface Corner {
  readonly falsePositives: number;
  readonly truePositives: number;
}

/** Visits the sides of the curve from (0, P[L = ∞]) until told to stop. */
function walk(grid: LossGrid, visit: (from: Corner, to: Corner) => boolean): void {
  let from: Corner = { falsePositives: 0, truePositives: grid.infinity };
  for (let i = grid.masses.length - 1; i >= 0; i--) {
    const mass = grid.masses[i]!;
    if (mass === 0) continue;
    const to = {
      falsePositives: from.falsePositives + mass * Math.exp(-(grid.first + i) * grid.step),
      truePositives: from.truePositives + mass,
    };
    if (!visit(from, to)) return;
    from = to;
  }
}

function between(from: Corner, to: Corner, falsePositives: number): number {
  const share = (falsePositives - from.falsePositives) / (to.falsePositives - from.falsePositives);
  return from.truePositives + share * (to.truePositives - from.truePositives);
}

/** The curve is a lowest line e^ε α + δ(ε), so what is added to every δ is added to it. */
function slackOf(grid: LossGrid): number {
  return grid.aliasing + grid.roundOff;
}

function normalQuantile(p: number): number {
  return p < 0.5 ? normalQuantileOfLog(Math.log(p)) : -normalQuantileOfLog(Math.log1p(-p));
}
