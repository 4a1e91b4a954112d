/**
 * The sharpest of the audits, for scores that are Gaussian by construction: the distance of two means.
 * Source: Nasr et al. 2023, "Tight Auditing of Differentially Private Machine Learning" (arXiv:2302.07956), § 4 (μ-GDP);
 * the interval is that of a standardised mean difference (Hedges, Olkin 1985, "Statistical Methods for Meta-Analysis").
 * @module
 */
import { gaussianEpsilon } from '../accounting/gaussian.js';
import { InvalidArgumentError } from '../errors.js';
import { normalQuantileOfLog } from '../numerics/normal-distribution.js';
import { requireAudit, type CanaryScores } from './canary-scores.js';

/**
 * ε at δ of the least μ-Gaussian mechanism that the distance of both means, in pooled deviations, does not rule out.
 * A statement about Gaussians only: with other scores, and with scores of unlike deviation, it means nothing.
 *
 * | scores                                      | result |
 * |---------------------------------------------|--------|
 * | "in" is not above "out" beyond what chance does | 0      |
 * | all alike, and "in" above "out"             | +∞     |
 *
 * @throws {InvalidArgumentError} `ERR_DP_ARGUMENT`; δ must be above 0, and two scores a side are the least
 */
export function gaussianShiftEpsilon(
  scores: CanaryScores,
  o: Readonly<{ significance: number; delta: number }>,
): number {
  requireAudit(scores, o);
  if (o.delta === 0) throw new InvalidArgumentError('delta', 'a number in (0, 1)', o.delta);
  const [inside, outside] = [momentsOf(scores.inside), momentsOf(scores.outside)];
  const [n, m] = [scores.inside.length, scores.outside.length];
  if (n < 2 || m < 2) throw new InvalidArgumentError('scores', 'two inside and outside', n);
  const deviation = Math.sqrt((inside.squares + outside.squares) / (n + m - 2));
  const distance = inside.mean - outside.mean;
  if (distance <= 0) return 0;
  if (deviation === 0) return Infinity;
  const shift = distance / deviation;
  const error = Math.sqrt(1 / n + 1 / m + (shift * shift) / (2 * (n + m)));
  const mu = shift + normalQuantileOfLog(Math.log(o.significance)) * error;
  return mu <= 0 ? 0 : gaussianEpsilon(1 / mu, o.delta);
}

function momentsOf(values: ArrayLike<number>): { mean: number; squares: number } {
  let mean = 0;
  for (let i = 0; i < values.length; i++) mean += values[i]! / values.length;
  let squares = 0;
  for (let i = 0; i < values.length; i++) squares += (values[i]! - mean) ** 2;
  return { mean, squares };
}
