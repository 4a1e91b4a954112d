/**
 * The check that a node makes at start, before it may train: is this build's noise the noise that we accounted for?
 * @module
 */
import { sampleDiscreteGaussian } from './discrete-gaussian.js';
import { RandomnessError } from './errors.js';
import { createExperimentRandom, type SecureRandom } from './random-source.js';

const EXPONENT = 18;
const DRAWS = 1_000_000;
const BATCH = 100_000;
/** 6.4 standard errors of variance (√2 · 10^−3) and mean (10^−3): together a false alarm once in 3 · 10^9 starts. */
const VARIANCE_TOLERANCE = 0.009;
const MEAN_TOLERANCE = 0.0064;
const KNOWN = [146340, -82340, 238356, 424345, -297687, 111238, -532992, 219182];

/**
 * Known answers of the sampler, then mean and variance of a million draws from the real source (about 30 ms).
 * @throws {RandomnessError} `ERR_DP_RANDOM`: do not train
 */
export function noiseSelfTest(random: SecureRandom): void {
  const known = new Int32Array(KNOWN.length);
  sampleDiscreteGaussian(known, {
    scaleExponent: EXPONENT,
    random: createExperimentRandom('noise-self-test'),
  });
  if (known.some((value, i) => value !== KNOWN[i])) {
    throw new RandomnessError('the sampler does not give its known answers');
  }
  const batch = new Int32Array(BATCH);
  let sum = 0;
  let squares = 0;
  for (let done = 0; done < DRAWS; done += BATCH) {
    sampleDiscreteGaussian(batch, { scaleExponent: EXPONENT, random });
    for (const value of batch) {
      sum += value;
      squares += value * value;
    }
  }
  batch.fill(0);
  const sigma = 2 ** EXPONENT;
  if (Math.abs(squares / DRAWS / sigma ** 2 - 1) > VARIANCE_TOLERANCE) {
    throw new RandomnessError('the variance of a million draws is off');
  }
  if (Math.abs(sum / DRAWS / sigma) > MEAN_TOLERANCE) {
    throw new RandomnessError('the mean of a million draws is off');
  }
}
