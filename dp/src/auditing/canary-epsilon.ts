/**
 * Bounds from canaries whose scores are independent: many runs, or many coordinates.
 * Sources: Clopper, Pearson 1934; Katz et al. 1978, Walter 1975, Bailey 1987, Newcombe 2001 for ratios of proportions
 * (reviewed in Aho, Bowyer 2015, doi:10.1111/2041-210X.12304).
 * @module
 */
import { requireInteger } from '../argument-checks.js';
import { InvalidArgumentError } from '../errors.js';
import { binomialTail } from '../numerics/binomial.js';
import { normalQuantileOfLog } from '../numerics/normal-distribution.js';
import { requireAudit, thresholdFrontier, type CanaryScores } from './canary-scores.js';

/** The largest p that k successes of n do not rule out at this significance (one-sided). */
export function clopperPearsonUpper(k: number, n: number, significance: number): number {
  if (!(Number.isInteger(n) && n > 0 && Number.isInteger(k) && k >= 0 && k <= n)) {
    throw new InvalidArgumentError('k', `an integer in [0, n = ${n}]`, k);
  }
  if (k === n) return 1;
  let [low, high] = [k / n, 1];
  for (let i = 0; i < 100; i++) {
    const middle = (low + high) / 2;
    // P[Bin <= k] = 1 − P[Bin >= k + 1]
    if (1 - binomialTail(n, middle, k + 1) > significance) low = middle;
    else high = middle;
  }
  return high;
}

/**
 * Clopper–Pearson: ln((TPR_low − δ) / FPR_high), the best over the frontier. The canaries must be independent runs.
 * @throws {InvalidArgumentError} `ERR_DP_ARGUMENT`
 */
export function canaryEpsilon(
  scores: CanaryScores,
  o: Readonly<{ significance: number; delta: number }>,
): number {
  requireAudit(scores, o);
  const [inside, outside] = [scores.inside.length, scores.outside.length];
  const frontier = thresholdFrontier(scores);
  const significance = o.significance / frontier.length / 2;
  let best = 0;
  for (const { trueNegatives, falseNegatives } of frontier) {
    const missed = clopperPearsonUpper(falseNegatives, inside, significance);
    const alarms = clopperPearsonUpper(outside - trueNegatives, outside, significance);
    if (1 - missed > o.delta) best = Math.max(best, Math.log((1 - missed - o.delta) / alarms));
  }
  return best;
}

/** Counts of one threshold. */
export interface GuessCounts {
  readonly truePositives: number;
  readonly falsePositives: number;
  readonly inside: number;
  readonly outside: number;
}

export type RatioMethod = 'katz' | 'adjusted-log' | 'bailey' | 'inverse-sinh';

/**
 * A one-sided lower bound of TPR ÷ FPR by a large-sample formula: tighter than Clopper–Pearson where counts are large,
 * and only approximately of its significance. The threshold must not have been chosen on the same counts.
 *
 * @returns the ratio, 0 when nothing was found; ln of it bounds ε for δ = 0
 * @throws {InvalidArgumentError} `ERR_DP_ARGUMENT`
 */
export function ratioLowerBound(
  counts: GuessCounts,
  o: Readonly<{ method: RatioMethod; significance: number }>,
): number {
  const { inside: n, outside: m } = counts;
  requireInteger('inside', n, { min: 1, max: Number.MAX_SAFE_INTEGER });
  requireInteger('outside', m, { min: 1, max: Number.MAX_SAFE_INTEGER });
  requireInteger('truePositives', counts.truePositives, { min: 0, max: n });
  requireInteger('falsePositives', counts.falsePositives, { min: 0, max: m });
  if (!(o.significance > 0 && o.significance < 0.5)) {
    throw new InvalidArgumentError('significance', 'a number in (0, 0.5)', o.significance);
  }
  if (counts.truePositives === 0) return 0;
  const z = normalQuantileOfLog(Math.log(o.significance));
  // Everything guessed "in": half a guess less on either side, or the variance would be nothing.
  const all = counts.truePositives === n && counts.falsePositives === m;
  const x = all ? n - 0.5 : counts.truePositives;
  const y = all ? m - 0.5 : counts.falsePositives;
  switch (o.method) {
    case 'katz': {
      const alarms = y === 0 ? 0.5 : y;
      const deviation = Math.sqrt((1 - x / n) / x + (1 - alarms / m) / alarms);
      return (x / n / (alarms / m)) * Math.exp(z * deviation);
    }
    case 'adjusted-log': {
      const [a, b, c, d] = [x + 0.5, n + 0.5, y + 0.5, m + 0.5];
      return (a / b / (c / d)) * Math.exp(z * Math.sqrt(1 / a - 1 / b + 1 / c - 1 / d));
    }
    case 'bailey': {
      const found = Math.min(x, n - 0.5);
      const alarms = y === 0 ? 0.5 : Math.min(y, m - 0.5);
      const [miss, rest] = [1 - found / n, 1 - alarms / m];
      const spread = miss / found + rest / alarms - (z * z * miss * rest) / (9 * found * alarms);
      const cube = (1 + (z / 3) * Math.sqrt(spread)) / (1 - (z * z * rest) / (9 * alarms));
      return (found / n / (alarms / m)) * cube ** 3;
    }
    case 'inverse-sinh': {
      const alarms = y === 0 ? z * z : y;
      const deviation = Math.sqrt(1 / x - 1 / n + 1 / alarms - 1 / m);
      return (x / n / (alarms / m)) * Math.exp(2 * Math.asinh((z / 2) * deviation));
    }
  }
}
