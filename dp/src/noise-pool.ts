/**
 * The noise of one round: drawn before data is read, handed out after the debit, each vector once.
 *
 * Drawing first takes the sampler's running time away from the data (Jin et al. 2022, "Are We There Yet? Timing and
 * Floating-Point Attacks on Differential Privacy Systems"); handing out only against a debit makes "spend first" a
 * matter of types and order instead of discipline.
 * @module
 */
import { sampleDiscreteGaussian } from './discrete-gaussian.js';
import { NoisePoolError } from './errors.js';
import { planHash } from './plan-codec.js';
import { recordHash, type LedgerRecord } from './privacy-ledger.js';
import type { Adjacency } from './privacy-event.js';
import type { PrivacyPlan, PrivacyUnit } from './privacy-plan.js';
import type { SecureRandom } from './random-source.js';

declare const stepNoise: unique symbol;
declare const releaseNoise: unique symbol;

/** One noise vector. Only a pool makes one, and it can be used once. */
export interface StepNoise<
  Unit extends PrivacyUnit = PrivacyUnit,
  Relation extends Adjacency = Adjacency,
> {
  readonly [stepNoise]: { readonly unit: Unit; readonly relation: Relation };
}

/** Noise of one further release of the plan, by its name. Only a pool makes it, and it can be used once. */
export interface ReleaseNoise<
  Unit extends PrivacyUnit = PrivacyUnit,
  Relation extends Adjacency = Adjacency,
> {
  readonly [releaseNoise]: { readonly unit: Unit; readonly relation: Relation };
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
  /**
   * For a further release of the plan, `count` times a round.
   * @throws {NoisePoolError} `ERR_DP_NOISE_POOL` before `open`, for a name that the plan does not have, and when all is used
   */
  nextFor(name: string): ReleaseNoise<Unit, Relation>;
  /** Zeroises what is left. */
  close(): void;
}

interface Held {
  readonly plan: PrivacyPlan;
  /** Name of the further release; null for a step. */
  readonly of: string | null;
  vector: Int32Array | null;
}

/** What noise holds; its owner is this file. */
const contents = new WeakMap<StepNoise | ReleaseNoise, Held>();

/**
 * Draws a vector for every step of the plan, and for every further release: as many as were accounted for, never more.
 */
export function createNoisePool<Unit extends PrivacyUnit, Relation extends Adjacency>(
  plan: PrivacyPlan<Unit, Relation>,
  random: SecureRandom,
): NoisePool<Unit, Relation> {
  const draw = (length: number, scaleExponent: number): Int32Array => {
    const vector = new Int32Array(length);
    sampleDiscreteGaussian(vector, { scaleExponent, random });
    return vector;
  };
  const vectors = Array.from({ length: plan.steps }, () =>
    draw(plan.parameterCount, plan.noiseExponent),
  );
  const further = new Map(
    plan.releases.map((release) => [
      release.name,
      Array.from({ length: release.count }, () => draw(release.length, release.noiseExponent)),
    ]),
  );
  /** A step's and a release's noise look alike from outside; `of` keeps them apart. */
  const give = (
    of: string | null,
    left: Int32Array[],
  ): StepNoise<Unit, Relation> & ReleaseNoise<Unit, Relation> => {
    if (!open) throw new NoisePoolError('not opened: the debit comes first');
    const vector = left.shift();
    if (vector === undefined) throw new NoisePoolError('all vectors of this round are used');
    const noise = Object.freeze({}) as ReturnType<typeof give>;
    contents.set(noise, { plan, of, vector });
    return noise;
  };
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
    next: () => give(null, vectors),
    nextFor(name) {
      const left = further.get(name);
      if (left === undefined) throw new NoisePoolError(`the plan releases nothing named "${name}"`);
      return give(name, left);
    },
    close() {
      for (const left of [vectors, ...further.values()]) {
        for (const vector of left) vector.fill(0);
        left.length = 0;
      }
    },
  };
}

/**
 * Takes the vector out, for good.
 * @param of - name of the further release that it is for; null for a step
 * @throws {NoisePoolError} `ERR_DP_NOISE_POOL` when it was taken before, or belongs to another plan or release
 */
export function takeNoise(
  noise: StepNoise | ReleaseNoise,
  plan: PrivacyPlan,
  of: string | null = null,
): Int32Array {
  const held = contents.get(noise);
  if (held === undefined || held.vector === null)
    throw new NoisePoolError('this vector was used before');
  if (held.plan !== plan) throw new NoisePoolError('this vector was drawn for another plan');
  if (held.of !== of) throw new NoisePoolError('this vector was drawn for another release');
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
