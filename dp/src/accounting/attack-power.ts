/**
 * What ε and δ mean for one person: how well anybody can tell whether a record took part.
 * @module
 */
import { requireProbability } from '../argument-checks.js';
import { InvalidArgumentError } from '../errors.js';
import { decodeEvent } from '../event-codec.js';
import type { Adjacency, PrivacyEvent } from '../privacy-event.js';
import { pldGaussianMu, pldTruePositiveRate } from './pld-accountant.js';

/**
 * The largest true positive rate of any attack that raises false alarms at the given rate, by PLD; never too low.
 * Worked: a Gaussian release with s = 1 and a rate of .1 give .38914.
 *
 * @throws {InvalidArgumentError} `ERR_DP_ARGUMENT`: rate outside [0, 1]
 * @throws {UnsupportedEventError | GridTooLargeError} as `epsilonOf`
 */
export function truePositiveRateOf(
  event: PrivacyEvent,
  o: Readonly<{ falsePositiveRate: number; adjacency?: Adjacency }>,
): number {
  requireProbability('falsePositiveRate', o.falsePositiveRate);
  const adjacency = o.adjacency ?? 'add-or-remove-one';
  return pldTruePositiveRate(decodeEvent(event), o.falsePositiveRate, { adjacency });
}

/**
 * An estimate in one number: the least μ for which telling N(0, 1) from N(μ, 1) is at least as easy as telling whether
 * a record took part, wherever both error rates are at least `errorRateMin` (default 1e-6). +∞ for no privacy.
 *
 * @throws {InvalidArgumentError} `ERR_DP_ARGUMENT`: errorRateMin outside [1e-9, 0.5)
 */
export function gaussianMuOf(
  event: PrivacyEvent,
  o: Readonly<{ errorRateMin?: number; adjacency?: Adjacency }> = {},
): number {
  const errorRateMin = o.errorRateMin ?? 1e-6;
  if (!(errorRateMin >= 1e-9 && errorRateMin < 0.5)) {
    throw new InvalidArgumentError('errorRateMin', 'a number in [1e-9, 0.5)', errorRateMin);
  }
  return pldGaussianMu(decodeEvent(event), errorRateMin, {
    adjacency: o.adjacency ?? 'add-or-remove-one',
  });
}
