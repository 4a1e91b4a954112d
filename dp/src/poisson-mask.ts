/**
 * Poisson sampling: every window decides alone, anew in every step.
 *
 * The rate is a fraction of 2^32, so that the comparison is exact and the accountant can be given the same number.
 * Source: Abadi et al. 2016 (arXiv:1607.00133), section 3.1; Mironov, Talwar, Zhang 2019 (arXiv:1908.10530).
 * @module
 */
import { requireInteger } from './argument-checks.js';
import type { RandomSource } from './random-source.js';

/** 2^32: the numerator that means "every window". */
export const SAMPLING_DENOMINATOR = 4_294_967_296;

/**
 * Sets `out[i]` to 1 with probability `samplingNumerator` / 2^32, else to 0, independently for all i.
 *
 * | samplingNumerator | result                                             |
 * |-------------------|----------------------------------------------------|
 * | 0                 | all zeros                                          |
 * | 2^32              | all ones                                           |
 * | empty `out`       | nothing is drawn; the step is a noise-only step    |
 *
 * @throws {InvalidArgumentError} `ERR_DP_ARGUMENT` if the numerator is not an integer in [0, 2^32]
 */
export function samplePoissonMask(
  out: Uint8Array,
  options: Readonly<{ samplingNumerator: number; random: RandomSource }>,
): void {
  const { samplingNumerator, random } = options;
  requireInteger('samplingNumerator', samplingNumerator, { min: 0, max: SAMPLING_DENOMINATOR });
  const words = new Uint32Array(Math.min(out.length, 4096));
  for (let start = 0; start < out.length; start += words.length) {
    const count = Math.min(words.length, out.length - start);
    const batch = words.subarray(0, count);
    random.fill(batch);
    for (let i = 0; i < count; i++) out[start + i] = batch[i]! < samplingNumerator ? 1 : 0;
  }
  words.fill(0);
}
