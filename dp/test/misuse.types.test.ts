/**
 * Misuse that no longer compiles. `tsc` checks this file: an `@ts-expect-error` that finds no error is itself an
 * error. The numbers are those of the catalogue in `mutants/catalogue.json`; its "type" column says the same.
 */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import {
  clipToGrid,
  createNoisePool,
  createPrivacyPlan,
  epsilonOf,
  meanGradient,
  releaseSum,
  samplePoissonMask,
  sumClipped,
  type ExperimentRandom,
  type MeanGradient,
  type NoisePool,
  type PrivacyEvent,
  type PrivacyPlan,
  type PrivacyPlanSpec,
  type Release,
  type SecureRandom,
  type SensitiveSum,
  type StepNoise,
} from '../src/index.js';

type WindowPlan = PrivacyPlan<'window', 'add-or-remove-one'>;
type ActorPlan = PrivacyPlan<'actor', 'add-or-remove-one'>;
type ZeroOutPlan = PrivacyPlan<'window', 'zero-out'>;

/** Compiled, never run. */
export function misuse(
  plan: PrivacyPlan,
  spec: PrivacyPlanSpec,
  sum: SensitiveSum,
  noise: StepNoise,
  release: Release,
  mean: MeanGradient,
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
  // @ts-expect-error a mean is not a sensitive sum
  releaseSum(mean, noise);
  // @ts-expect-error nor is a plain vector
  releaseSum(new Float64Array(3), noise);
  // 19, 25: a multiplier or sensitivity typed in
  // @ts-expect-error derived values cannot be set
  plan.noiseMultiplier = 0.1;
  // @ts-expect-error derived values cannot be set
  plan.sensitivityUnits = 1;
  // @ts-expect-error there is no field to type them into
  createPrivacyPlan({ ...spec, noiseMultiplier: 0.1 });
  const literal = { clippingNorm: 1, gridScale: 1, sensitivityUnits: 1e-4 };
  // @ts-expect-error a number that somebody typed is not a sensitivity
  clipToGrid(new Float32Array(3), literal, new Int32Array(3));
  // 21: a seed where a release is drawn
  // @ts-expect-error a pool takes the CSPRNG
  createNoisePool(plan, seeded);
  // @ts-expect-error as many vectors as the plan has steps, not as many as somebody asks for
  createNoisePool(plan, secure, { vectors: 100 });
  // 30: noise without a debit
  // @ts-expect-error opening needs a ledger record
  pool.open();
  // 31: a sum that did not go through clipping
  // @ts-expect-error a look-alike carries no brand
  releaseSum({ plan, units: new Float64Array(3) }, noise);

  const send = (value: Release): Release => value;
  // @ts-expect-error sending what was not noised: a sensitive sum is not a release
  send(sum);
  send(release);
}

/** Whose privacy, and which neighbours: compiled, never run. */
export function mixedClaims(
  sum: SensitiveSum<'window', 'add-or-remove-one'>,
  windowPlan: WindowPlan,
  windowPool: NoisePool<'window', 'add-or-remove-one'>,
  actorPool: NoisePool<'actor', 'add-or-remove-one'>,
  zeroOutPool: NoisePool<'window', 'zero-out'>,
  event: PrivacyEvent,
): void {
  const release = releaseSum(sum, windowPool.next());
  // @ts-expect-error noise that was calibrated for actors does not go onto windows
  releaseSum(sum, actorPool.next());
  // @ts-expect-error noise that was calibrated for another relation
  releaseSum(sum, zeroOutPool.next());
  const claim = (of: Release<'actor'>): Release<'actor'> => of;
  // @ts-expect-error what protects windows is no claim per person
  claim(release);
  const actors = (of: ActorPlan): ActorPlan => of;
  // @ts-expect-error one unit's plan is not another's
  actors(windowPlan);
  const zeroOut = (of: ZeroOutPlan): ZeroOutPlan => of;
  // @ts-expect-error nor one relation's
  zeroOut(windowPlan);
  // @ts-expect-error a relation is one of three, not a sentence
  epsilonOf(event, { delta: 1e-5, adjacency: 'add-one' });
  // @ts-expect-error ε has no meaning without δ
  epsilonOf(event, { adjacency: 'zero-out' });
  // @ts-expect-error a mechanism has a kind and its own parameters
  epsilonOf({ kind: 'gaussian', epsilon: 1 }, { delta: 1e-5 });
  const spec: PrivacyPlanSpec<'actor', 'zero-out'> = windowSpec('actor', 'zero-out');
  const derived: PrivacyPlan<'actor', 'zero-out'> = createPrivacyPlan(spec);
  // @ts-expect-error the plan keeps the unit of its specification
  const other: WindowPlan = derived;
  sumClipped(other, [], new Uint8Array(0));
}

declare function windowSpec<U extends 'window' | 'actor', R extends 'zero-out'>(
  unit: U,
  relation: R,
): PrivacyPlanSpec<U, R>;

describe('types that refuse misuse', () => {
  it('this file compiles: every refused line is an error of the compiler', () => {
    expect(misuse).toBeTypeOf('function');
    expect(mixedClaims).toBeTypeOf('function');
  });

  it('the catalogue’s "type" column names the bugs of this file', () => {
    const source = readFileSync(new URL(import.meta.url), 'utf8');
    const refused = [...source.matchAll(/^ {2}\/\/ ([\d, ]+):/gm)].flatMap(([, ids]) =>
      ids!.split(', ').map((id) => id.padStart(2, '0')),
    );
    const catalogue = JSON.parse(
      readFileSync(new URL('../mutants/catalogue.json', import.meta.url), 'utf8'),
    ) as { readonly id: string; readonly type?: boolean }[];
    const marked = catalogue.filter((mutant) => mutant.type === true).map(({ id }) => id);
    expect(refused.sort()).toEqual(marked.sort());
  });
});
