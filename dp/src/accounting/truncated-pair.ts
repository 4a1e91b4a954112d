/**
 * Poisson samples that are cut down to a fixed capacity.
 * Source: google/differential-privacy dp_accounting, `from_truncated_subsampled_gaussian_mechanism` (supplementary
 * material, section 4.3); Ganesh et al. 2025 (arXiv:2503.03622) for why batches are capped.
 * @module
 */
import { binomialTail } from '../numerics/binomial.js';
import { logGamma } from '../numerics/log-space.js';
import { replacePair, type LossPair, type LossSplit } from './loss-pair.js';

export interface TruncatedSample {
  readonly datasetSize: number;
  readonly samplingProbability: number;
  readonly batchMax: number;
  readonly noiseMultiplier: number;
}

/**
 * The pair of one truncated Poisson batch, by telling the attacker more: whether the other records alone fill the
 * batch, which does not depend on this record. If they do not, this is plain Poisson sampling. If they do, the record
 * takes the place of another one, so that the sum moves by up to twice the sensitivity: as in replace-one at double
 * distance, sampled with the probability of getting a place. That bound is a little loose for add-or-remove.
 *
 * @param plain - the pair of the same sampling without a cap, in the wanted direction
 */
export function truncatedPair(sample: TruncatedSample, plain: LossPair): LossPair {
  const { datasetSize: n, samplingProbability: q, batchMax, noiseMultiplier } = sample;
  const full = binomialTail(n - 1, q, batchMax);
  if (full === 0) return plain;
  const error = tailError(n);
  const place = (binomialTail(n, q, batchMax + 1) * batchMax) / (full * n);
  // More sampling is never better for the record, so this error goes to the safe side here.
  const displacing = replacePair(2 / noiseMultiplier, Math.min(q, place * (1 + 2 * error)));
  return full === 1 ? displacing : announcedMixture(plain, displacing, full, full * error);
}

/** Relative error of a tail whose first term is a difference of log-gammas, in which n! is the largest. */
function tailError(n: number): number {
  return 2 ** -53 * (64 + 8 * logGamma(n + 1));
}

/** With probability `share` the second pair, else the first, and the attacker sees which. */
function announcedMixture(
  first: LossPair,
  second: LossPair,
  share: number,
  roundOff: number,
): LossPair {
  const [a, b]: [LossSplit, LossSplit] = [emptySplit(), emptySplit()];
  const mixed = (x: number, y: number): number => (1 - share) * x + share * y;
  return {
    split(loss, out) {
      first.split(loss, a);
      second.split(loss, b);
      out.pAbove = mixed(a.pAbove, b.pAbove);
      out.qAbove = mixed(a.qAbove, b.qAbove);
      out.pBelow = mixed(a.pBelow, b.pBelow);
      out.qBelow = mixed(a.qBelow, b.qBelow);
    },
    range(logTailMass) {
      const [x, y] = [first.range(logTailMass), second.range(logTailMass)];
      return { lower: Math.min(x.lower, y.lower), upper: Math.max(x.upper, y.upper) };
    },
    infimum: Math.min(first.infimum, second.infimum),
    supremum: Math.max(first.supremum, second.supremum),
    roundOff,
  };
}

function emptySplit(): LossSplit {
  return { pAbove: 0, qAbove: 0, pBelow: 0, qBelow: 0 };
}
