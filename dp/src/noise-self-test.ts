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
/** 0.8 % is 5.7 standard errors of the variance of 10^6 draws: a false alarm once in 10^8 starts. */
const VARIANCE_TOLERANCE = 0.008;
const MEAN_TOLERANCE = 0.0057;
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
