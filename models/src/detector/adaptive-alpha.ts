/**
 * Adaptive conformal inference on the alert rate, bounded: `α ← α + η (α₀ − alert)`, without labels. It holds the realised
 * rate near α₀ while behaviour drifts; what it would have to do beyond [α₀/2, 2 α₀] is a governance event, not arithmetic.
 *
 * P-values are conformal against the most recent scores, flagged ones included: a window of unflagged scores only would
 * tighten the threshold, flag more, and tighten it again. Left out is only what an analyst confirmed.
 * Source: Gibbs & Candès 2021, "Adaptive Conformal Inference Under Distribution Shift" (arXiv:2106.00170).
 * @module
 */
import { calibrationFault } from './calibration-fault.js';
import { lowerBound } from './sorted.js';

export interface AdaptiveAlphaOptions {
  /** α₀: share of normal windows that should alert. */
  readonly alpha: number;
  /** η, 0.01 … 0.05. */
  readonly stepSize?: number;
  /** Scores of the past that p-values compare with: at least 2,000, the newest last. */
  readonly past: ArrayLike<number>;
}

export interface AdaptiveJudgement {
  readonly p: number;
  readonly alert: boolean;
  /** α by which this one was judged. */
  readonly alpha: number;
  /** The bound that adaptation wanted to cross, for people to decide: the rate is too high (narrow) or too low (widen). */
  readonly governance: 'narrow' | 'widen' | null;
}

export interface AdaptiveAlpha {
  /** Judges, adapts, and remembers the score. */
  judge(nonconformity: number): AdaptiveJudgement;
  /** Forgets a score that was judged before: an analyst confirmed it. */
  forget(nonconformity: number): void;
  readonly alpha: number;
  /** Realised rate over the scores that are remembered and were judged here; NaN before the first. */
  readonly realisedRate: number;
}

export const PAST_LEAST = 2_000;

/**
 * @throws {DetectorError} `ERR_TABLE_CALIBRATION` if α, η or the past is out of range
 */
export function createAdaptiveAlpha(options: AdaptiveAlphaOptions): AdaptiveAlpha {
  const { alpha: nominal, stepSize = 0.01, past } = options;
  if (!(nominal > 0 && nominal <= 0.5))
    throw calibrationFault('alpha', '> 0 and at most 0.5', nominal);
  if (!(stepSize >= 0.01 && stepSize <= 0.05))
    throw calibrationFault('stepSize', '0.01 … 0.05', stepSize);
  if (past.length < PAST_LEAST)
    throw calibrationFault('past', `at least ${PAST_LEAST}`, past.length);
  const least = nominal / 2;
  const most = 2 * nominal;
  const recent: { readonly score: number; readonly alert: boolean | null }[] = Array.from(
    past,
    (score) => ({ score, alert: null }),
  );
  const capacity = recent.length;
  const sorted = Array.from(past).sort((a, b) => a - b);
  let alpha = nominal;
  return {
    judge(nonconformity) {
      if (!Number.isFinite(nonconformity)) {
        throw calibrationFault('nonconformity', 'a finite number', nonconformity);
      }
      const judgedBy = alpha;
      const p = (1 + sorted.length - lowerBound(sorted, nonconformity)) / (sorted.length + 1);
      const alert = p <= judgedBy;
      const wanted = judgedBy + stepSize * (nominal - (alert ? 1 : 0));
      alpha = Math.min(most, Math.max(least, wanted));
      sorted.splice(lowerBound(sorted, nonconformity), 0, nonconformity);
      recent.push({ score: nonconformity, alert });
      if (recent.length > capacity) remove(recent.shift()!.score);
      const governance = wanted < least ? 'narrow' : wanted > most ? 'widen' : null;
      return { p, alert, alpha: judgedBy, governance };
    },
    forget(nonconformity) {
      const at = recent.findLastIndex(({ score }) => score === nonconformity);
      if (at === -1) return;
      recent.splice(at, 1);
      remove(nonconformity);
    },
    get alpha() {
      return alpha;
    },
    get realisedRate() {
      const judged = recent.filter(({ alert }) => alert !== null);
      return judged.filter(({ alert }) => alert === true).length / judged.length;
    },
  };

  function remove(score: number): void {
    sorted.splice(lowerBound(sorted, score), 1);
  }
}
