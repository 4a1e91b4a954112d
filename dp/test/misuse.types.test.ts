/**
 * Misuse that no longer compiles. `tsc` checks this file: an `@ts-expect-error` that finds no error is itself an
 * error. The numbers are those of the catalogue in `mutants/catalogue.json`.
 */
import { describe, expect, it } from 'vitest';
import {
  createNoisePool,
  meanGradient,
  releaseSum,
  samplePoissonMask,
  sumClipped,
  type ExperimentRandom,
  type NoisePool,
  type PrivacyPlan,
  type Release,
  type SecureRandom,
  type SensitiveSum,
  type StepNoise,
} from '../src/index.js';

/** Compiled, never run. */
export function misuse(
  plan: PrivacyPlan,
  sum: SensitiveSum,
  noise: StepNoise,
  release: Release,
  seeded: ExperimentRandom,
  secure: SecureRandom,
  pool: NoisePool,
): void {
  // 3, 17: a divisor taken from the data has nowhere to go
  // @ts-expect-error meanGradient takes the release alone; the plan holds the divisor
  meanGradient(release, 1234);
  // 4: float noise
  // @ts-expect-error noise comes from a pool, not from numbers
  releaseSum(sum, new Float64Array(3));
  // 6, 8: a sampler that is not the plan's
  // @ts-expect-error the rate is a fraction of 2^32, not a batch size
  samplePoissonMask(new Uint8Array(3), { batchSize: 32, random: secure });
  // 18: dividing before the noise
  // @ts-expect-error a plain vector (a mean) is not a sensitive sum
  releaseSum(new Float64Array(3), noise);
  // 19, 25: a multiplier or sensitivity typed in
  // @ts-expect-error derived values cannot be set
  plan.noiseMultiplier = 0.1;
  // @ts-expect-error derived values cannot be set
  plan.sensitivityUnits = 1;
  // 21: a seed where a release is drawn
  // @ts-expect-error a pool takes the CSPRNG
  createNoisePool(plan, seeded);
  // 30: noise without a debit
  // @ts-expect-error opening needs a ledger record
  pool.open();
  // 31: a sum that did not go through clipping
  // @ts-expect-error a look-alike carries no brand
  releaseSum({ plan, units: new Float64Array(3) }, noise);
  // 34: sending what was not noised
  const send = (value: Release): Release => value;
  // @ts-expect-error a sensitive sum is not a release
  send(sum);
  send(release);
  sumClipped(plan, [], new Uint8Array(0));
}

describe('types that refuse misuse', () => {
  it('this file compiles: every refused line is an error of the compiler', () => {
    expect(misuse).toBeTypeOf('function');
  });
});
