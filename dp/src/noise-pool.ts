/**
 * The noise of one round: drawn before data is read, handed out after the debit, each vector once.
 *
 * Drawing first takes the sampler's running time away from the data (Jin et al. 2022, "Are We There Yet? Timing and
 * Floating-Point Attacks on Differential Privacy Systems"); handing out only against a debit makes "spend first" a
 * matter of types and order instead of discipline.
 * @module
 */
import { requireInteger } from './argument-checks.js';
import { sampleDiscreteGaussian } from './discrete-gaussian.js';
import { NoisePoolError } from './errors.js';
import { planHash } from './plan-codec.js';
import { recordHash, type LedgerRecord } from './privacy-ledger.js';
import type { Adjacency } from './privacy-event.js';
import type { PrivacyPlan, PrivacyUnit } from './privacy-plan.js';
import type { SecureRandom } from './random-source.js';

declare const stepNoise: unique symbol;

/** One noise vector. Only a pool makes one, and it can be used once. */
export interface StepNoise<
  Unit extends PrivacyUnit = PrivacyUnit,
  Relation extends Adjacency = Adjacency,
> {
  readonly [stepNoise]: { readonly unit: Unit; readonly relation: Relation };
}

export interface NoisePool<
  Unit extends PrivacyUnit = PrivacyUnit,
  Relation extends Adjacency = Adjacency,
> {
  /** Vectors that are left. */
  readonly remaining: number;
  /**
   * Allows the pool to hand out, against the record of the debit that is on disk.
   * @throws {NoisePoolError} `ERR_DP_NOISE_POOL`: not a debit, of another plan, not its own hash, or opened before
   */
  open(debit: LedgerRecord): void;
  /** @throws {NoisePoolError} `ERR_DP_NOISE_POOL` before `open`, and when all vectors are used */
  next(): StepNoise<Unit, Relation>;
  /** Zeroises what is left. */
  close(): void;
}

/** What a StepNoise holds; its owner is this file. */
const contents = new WeakMap<StepNoise, { plan: PrivacyPlan; vector: Int32Array | null }>();

/**
 * Draws a vector for every step of the plan.
 * @param o.vectors - default: `plan.steps`
 * @throws {InvalidArgumentError} `ERR_DP_ARGUMENT`
 */
export function createNoisePool<Unit extends PrivacyUnit, Relation extends Adjacency>(
  plan: PrivacyPlan<Unit, Relation>,
  random: SecureRandom,
  o: Readonly<{ vectors?: number }> = {},
): NoisePool<Unit, Relation> {
  const count = o.vectors ?? plan.steps;
  requireInteger('vectors', count, { min: 1, max: 100_000 });
  const vectors = Array.from({ length: count }, () => {
    const vector = new Int32Array(plan.parameterCount);
    sampleDiscreteGaussian(vector, { scaleExponent: plan.noiseExponent, random });
    return vector;
  });
  let open = false;
  return {
    get remaining() {
      return vectors.length;
    },
    open(debit) {
      if (open) throw new NoisePoolError('already opened by a debit: one pool, one round');
      checkDebit(debit, plan);
      open = true;
    },
    next() {
      if (!open) throw new NoisePoolError('not opened: the debit comes first');
      const vector = vectors.shift();
      if (vector === undefined) throw new NoisePoolError('all vectors of this round are used');
      const noise = Object.freeze({}) as StepNoise<Unit, Relation>;
      contents.set(noise, { plan, vector });
      return noise;
    },
    close() {
      for (const vector of vectors) vector.fill(0);
      vectors.length = 0;
    },
  };
}

/**
 * Takes the vector out of a StepNoise, for good.
 * @throws {NoisePoolError} `ERR_DP_NOISE_POOL` when it was taken before, or belongs to another plan
 */
export function takeNoise(noise: StepNoise, plan: PrivacyPlan): Int32Array {
  const held = contents.get(noise);
  if (held === undefined || held.vector === null)
    throw new NoisePoolError('this vector was used before');
  if (held.plan !== plan) throw new NoisePoolError('this vector was drawn for another plan');
  const { vector } = held;
  held.vector = null;
  return vector;
}

function checkDebit(debit: LedgerRecord, plan: PrivacyPlan): void {
  if (debit.kind !== 'debited') throw new NoisePoolError(`expected a debit, got "${debit.kind}"`);
  if (debit.body['planHash'] !== planHash(plan)) {
    throw new NoisePoolError('the debit is for another plan');
  }
  if (recordHash(debit) !== debit.hash) {
    throw new NoisePoolError('the debit does not carry its own hash');
  }
}
