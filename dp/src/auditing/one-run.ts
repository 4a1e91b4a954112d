/**
 * Bounds from one run with many canaries, each in with probability 1/2.
 *
 * Sources: Steinke, Nasr, Jagielski 2023, "Privacy Auditing with One (1) Training Run" (arXiv:2305.08846), Theorem 5.2;
 * Mahloujifar, Melis, Chaudhuri 2024, "Auditing f-Differential Privacy in One Run" (arXiv:2410.22235).
 * @module
 */
import { gaussianNoiseMultiplier } from '../accounting/gaussian.js';
import { gaussianTruePositiveRate } from '../accounting/trade-off.js';
import { InvalidArgumentError } from '../errors.js';
import { binomialTail } from '../numerics/binomial.js';
import { logGamma } from '../numerics/log-space.js';
import { requireAudit, thresholdFrontier, type CanaryScores } from './canary-scores.js';

/** How many canaries were guessed "in" at one threshold, and how many of those guesses were right. */
interface Guesses {
  readonly canaries: number;
  readonly guesses: number;
  readonly correct: number;
}

/**
 * Guesses "in" above a threshold. The best over the frontier of the ε whose p-value β + 2mδα reaches the significance.
 * @throws {InvalidArgumentError} `ERR_DP_ARGUMENT`
 */
export function oneRunEpsilon(
  scores: CanaryScores,
  o: Readonly<{ significance: number; delta: number }>,
): number {
  requireAudit(scores, o);
  return largestRuledOut(
    scores,
    o.significance,
    (guesses, epsilon, significance) =>
      oneRunPValue({ ...guesses, epsilon, delta: o.delta }) <= significance,
  );
}

/**
 * The same from the whole trade-off curve of the Gaussian that is (ε, δ)-private: sharper where the mechanism is a
 * Gaussian, and a statement about Gaussians only.
 * @throws {InvalidArgumentError} `ERR_DP_ARGUMENT`; δ must be above 0 here
 */
export function oneRunGaussianEpsilon(
  scores: CanaryScores,
  o: Readonly<{ significance: number; delta: number }>,
): number {
  requireAudit(scores, o);
  if (o.delta === 0) throw new InvalidArgumentError('delta', 'a number in (0, 1)', o.delta);
  return largestRuledOut(scores, o.significance, (guesses, epsilon, significance) => {
    const mu = 1 / gaussianNoiseMultiplier(epsilon, o.delta);
    return !allowsGuesses(guesses, significance, mu);
  });
}

/** The largest ε that some threshold rules out, the significance shared among the thresholds. */
function largestRuledOut(
  scores: CanaryScores,
  significance: number,
  ruledOut: (guesses: Guesses, epsilon: number, significance: number) => boolean,
): number {
  const canaries = scores.inside.length + scores.outside.length;
  const frontier = thresholdFrontier(scores);
  const share = significance / frontier.length;
  const candidates = frontier
    .map(({ trueNegatives, falseNegatives }): Guesses => {
      const correct = scores.inside.length - falseNegatives;
      return { canaries, correct, guesses: correct + scores.outside.length - trueNegatives };
    })
    .map((guesses) => ({ guesses, promise: promiseOf(guesses) }))
    .sort((a, b) => b.promise - a.promise);
  let best = 0;
  for (const { guesses } of candidates) {
    const precision = guesses.correct / guesses.guesses;
    if (!(precision > 1 / (1 + Math.exp(-best)))) continue;
    const isRuledOut = (epsilon: number): boolean => ruledOut(guesses, epsilon, share);
    if (!isRuledOut(best + 1e-9)) continue;
    let [low, high] = [best, best + 1];
    while (isRuledOut(high)) high += 1;
    while (high - low > 1e-9) {
      const middle = (low + high) / 2;
      if (isRuledOut(middle)) low = middle;
      else high = middle;
    }
    best = low;
  }
  return best;
}

/** Roughly what a threshold will give; the best first saves the search at the others. */
function promiseOf({ guesses, correct }: Guesses): number {
  const precision = (correct + 1) / (guesses + 2);
  return precision - 3 * Math.sqrt((precision * (1 - precision)) / (guesses + 2));
}

/** Whether a μ-Gaussian mechanism may yield so many correct guesses: Algorithm 3 of Mahloujifar et al., all guesses "in". */
function allowsGuesses({ canaries, guesses, correct }: Guesses, tau: number, mu: number): boolean {
  let right = (tau * correct) / canaries;
  let wrong = (tau * (guesses - correct)) / canaries;
  for (let i = correct - 1; i >= 0; i--) {
    // Of those that look so, a share x inside lets at least f⁻¹(x) be outside.
    const next = Math.max(wrong, gaussianTruePositiveRate(-mu, right));
    if (next === wrong) break;
    right = Math.min(1, right + (i / (guesses - i)) * (next - wrong));
    wrong = next;
  }
  return right + wrong <= guesses / canaries;
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
