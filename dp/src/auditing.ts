/**
 * Empirical lower bounds on ε: evidence against bugs, never proof of privacy.
 *
 * An attacker scores canaries that took part and canaries that did not; how well the scores tell them apart bounds ε
 * from below with stated confidence. A bound above the claim is a bug; a bound below it says little.
 * Sources: Clopper, Pearson 1934; Steinke, Nasr, Jagielski 2023, "Privacy Auditing with One (1) Training Run"
 * (arXiv:2305.08846), Theorem 5.2. Thresholds are chosen on the same scores, so the significance is divided by their
 * number (Bonferroni).
 * @module
 */
import { InvalidArgumentError } from './errors.js';
import { binomialTail } from './numerics/binomial.js';
import { logGamma } from './numerics/log-space.js';

/** A point of the (true negatives, false negatives) frontier: guess "in" at scores >= threshold. */
export interface FrontierPoint {
  readonly threshold: number;
  readonly trueNegatives: number;
  readonly falseNegatives: number;
}

export interface CanaryScores {
  /** Scores of canaries that took part; higher means "in". */
  readonly inside: ArrayLike<number>;
  /** Scores of canaries that did not. */
  readonly outside: ArrayLike<number>;
}

/**
 * The thresholds at which a linear objective in (true negatives, −false negatives) can be best: the corners of the
 * upper hull, from "all in" to "all out".
 */
export function thresholdFrontier(scores: CanaryScores): FrontierPoint[] {
  const all = [
    ...Array.from(scores.inside, (score) => ({ score, inside: 1 })),
    ...Array.from(scores.outside, (score) => ({ score, inside: 0 })),
  ].sort((a, b) => a.score - b.score);
  const hull: FrontierPoint[] = [];
  const push = (point: FrontierPoint): void => {
    const cross = (a: FrontierPoint, b: FrontierPoint): number =>
      (b.falseNegatives - a.falseNegatives) * (point.trueNegatives - a.trueNegatives) -
      (b.trueNegatives - a.trueNegatives) * (point.falseNegatives - a.falseNegatives);
    while (hull.length >= 2 && cross(hull.at(-2)!, hull.at(-1)!) >= 0) hull.pop();
    hull.push(point);
  };
  let trueNegatives = 0;
  let falseNegatives = 0;
  for (let i = 0; i < all.length;) {
    const threshold = all[i]!.score;
    push({ threshold, trueNegatives, falseNegatives });
    for (; i < all.length && all[i]!.score === threshold; i++) {
      falseNegatives += all[i]!.inside;
      trueNegatives += 1 - all[i]!.inside;
    }
  }
  push({ threshold: Infinity, trueNegatives, falseNegatives });
  return hull;
}

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
  checkAudit(scores, o);
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

/**
 * One run with many canaries, each in with probability 1/2: guesses "in" above a threshold. The best over the
 * frontier of the ε whose p-value β + 2mδα reaches the significance.
 * @throws {InvalidArgumentError} `ERR_DP_ARGUMENT`
 */
export function oneRunEpsilon(
  scores: CanaryScores,
  o: Readonly<{ significance: number; delta: number }>,
): number {
  checkAudit(scores, o);
  const canaries = scores.inside.length + scores.outside.length;
  const frontier = thresholdFrontier(scores);
  const significance = o.significance / frontier.length;
  let best = 0;
  for (const { trueNegatives, falseNegatives } of frontier) {
    const correct = scores.inside.length - falseNegatives;
    const guesses = correct + scores.outside.length - trueNegatives;
    const ruledOut = (epsilon: number): boolean =>
      oneRunPValue({ canaries, guesses, correct, epsilon, delta: o.delta }) <= significance;
    if (correct <= guesses / (1 + Math.exp(-best)) || !ruledOut(best + 1e-9)) continue;
    let [low, high] = [best, best + 1];
    while (ruledOut(high)) high += 1;
    for (let i = 0; i < 40; i++) {
      const middle = (low + high) / 2;
      if (ruledOut(middle)) low = middle;
      else high = middle;
    }
    best = low;
  }
  return best;
}

/** How likely so many correct guesses are under (ε, δ): β + 2 m δ max_i (P[Bin >= correct − i] − β) / i. */
export function oneRunPValue(
  o: Readonly<{
    canaries: number;
    guesses: number;
    correct: number;
    epsilon: number;
    delta: number;
  }>,
): number {
  const { canaries, guesses, correct, epsilon, delta } = o;
  const p = 1 / (1 + Math.exp(-epsilon));
  const beta = binomialTail(guesses, p, correct);
  let alpha = 0;
  let sum = 0;
  let term = Math.exp(
    logGamma(guesses + 1) -
      logGamma(correct) -
      logGamma(guesses - correct + 2) +
      (correct - 1) * Math.log(p) +
      (guesses - correct + 1) * Math.log1p(-p),
  );
  for (let i = 1; i <= correct; i++) {
    const k = correct - i;
    sum += term;
    alpha = Math.max(alpha, sum / i);
    // Past the mode the sum is near one and can only be diluted.
    if (sum > 1 - beta - 1e-12) break;
    term *= (k / (guesses - k + 1)) * ((1 - p) / p);
  }
  return Math.min(1, beta + 2 * canaries * delta * alpha);
}

function checkAudit(
  scores: CanaryScores,
  o: Readonly<{ significance: number; delta: number }>,
): void {
  if (!(o.significance > 0 && o.significance < 1)) {
    throw new InvalidArgumentError('significance', 'a number in (0, 1)', o.significance);
  }
  if (!(o.delta >= 0 && o.delta < 1))
    throw new InvalidArgumentError('delta', 'a number in [0, 1)', o.delta);
  if (scores.inside.length === 0 || scores.outside.length === 0) {
    throw new InvalidArgumentError('scores', 'at least one canary inside and outside', 0);
  }
  for (const list of [scores.inside, scores.outside]) {
    for (let i = 0; i < list.length; i++) {
      if (!Number.isFinite(list[i]))
        throw new InvalidArgumentError('scores', 'finite numbers', list[i]);
    }
  }
}
