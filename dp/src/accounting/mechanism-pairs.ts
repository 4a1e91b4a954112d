/**
 * The dominating pair of each mechanism, by direction.
 * @module
 */
import type { Adjacency } from '../privacy-event.js';
import {
  laplacePair,
  outcomePair,
  sampledAdd,
  sampledRemove,
  swapped,
  type Outcome,
} from './atomic-pair.js';
import {
  createTailTables,
  discreteGaussianPair,
  type TailTables,
} from './discrete-gaussian-pair.js';
import {
  addPair,
  removePair,
  replacePair,
  type GaussianMixture,
  type LossPair,
} from './loss-pair.js';
import type { BaseMechanism, Mechanism, Reduction } from './mechanism.js';
import { truncatedPair } from './truncated-pair.js';

export interface PairCount {
  readonly pair: LossPair;
  readonly count: number;
}

type Direction = 'remove' | 'add' | 'replace';

/**
 * One list of pairs a direction: remove and add stay apart to the end; replacing a record is symmetric.
 *
 * @param logTailMass - what infinite discrete supports may leave out
 */
export function directionsOf(
  reduction: Reduction,
  adjacency: Adjacency,
  logTailMass: number,
): PairCount[][] {
  const tables = createTailTables(logTailMass);
  const directions: Direction[] = adjacency === 'replace-one' ? ['replace'] : ['remove', 'add'];
  return directions.map((direction) =>
    reduction.parts.map(({ mechanism, count }) => ({
      pair: pairOf(mechanism, direction, adjacency, tables),
      count,
    })),
  );
}

function pairOf(
  mechanism: Mechanism,
  direction: Direction,
  adjacency: Adjacency,
  tables: TailTables,
): LossPair {
  switch (mechanism.kind) {
    case 'mixture':
      return mixturePair(mechanism.mixture, direction);
    case 'sampled':
      return sampledPair(mechanism.base, mechanism.samplingProbability, direction, tables);
    case 'truncated-poisson': {
      const { samplingProbability: q, noiseMultiplier } = mechanism;
      const gaussian = { kind: 'gaussian', noiseMultiplier } as const;
      const plain =
        q === 1
          ? pairOf(gaussian, direction, adjacency, tables)
          : sampledPair(gaussian, q, direction, tables);
      return truncatedPair(mechanism, plain);
    }
    case 'gaussian':
      return mixturePair(
        { shifts: [(direction === 'replace' ? 2 : 1) / mechanism.noiseMultiplier], weights: [1] },
        'remove',
      );
    case 'laplace':
      return laplacePair(mechanism.noiseMultiplier / (direction === 'replace' ? 2 : 1));
    case 'discrete-gaussian':
      return discreteGaussianPair(
        {
          sigma: mechanism.sigma,
          distance: mechanism.sensitivity * (direction === 'replace' ? 2 : 1),
        },
        tables,
      );
    case 'epsilon-delta':
      return outcomePair(epsilonDeltaOutcomes(mechanism.epsilon, mechanism.delta));
    case 'randomized-response': {
      const outcomes = randomizedResponseOutcomes(mechanism.noise, mechanism.buckets, adjacency);
      return outcomePair(direction === 'add' ? swapped(outcomes) : outcomes);
    }
    default:
      // reduceEvent has refused these for the PLD accountant.
      throw new TypeError(`no dominating pair: ${mechanism.kind}`);
  }
}

function mixturePair(mixture: GaussianMixture, direction: Direction): LossPair {
  return direction === 'add' ? addPair(mixture) : removePair(mixture);
}

function sampledPair(
  base: BaseMechanism,
  q: number,
  direction: Direction,
  tables: TailTables,
): LossPair {
  if (base.kind === 'gaussian') {
    const shift = 1 / base.noiseMultiplier;
    if (direction === 'replace') return replacePair(shift, q);
    return mixturePair({ shifts: [0, shift], weights: [1 - q, q] }, direction);
  }
  const pair = pairOf(base, 'remove', 'add-or-remove-one', tables);
  return direction === 'add' ? sampledAdd(pair, q) : sampledRemove(pair, q);
}

/** The pair that dominates every (ε, δ) mechanism (Kairouz, Oh, Viswanath 2015). */
function epsilonDeltaOutcomes(epsilon: number, delta: number): Outcome[] {
  const more = (1 - delta) / (1 + Math.exp(-epsilon));
  const less = (1 - delta) / (1 + Math.exp(epsilon));
  return [
    { p: delta, q: 0 },
    { p: more, q: less },
    { p: less, q: more },
    { p: 0, q: delta },
  ];
}

/** With probability `noise` a uniform answer, else the true one; zero-out compares with a uniform answer. */
function randomizedResponseOutcomes(
  noise: number,
  buckets: number,
  adjacency: Adjacency,
): Outcome[] {
  const other = noise / buckets;
  const own = 1 - noise + other;
  if (adjacency === 'replace-one') {
    return [
      { p: own, q: other },
      { p: other, q: own },
      { p: (buckets - 2) * other, q: (buckets - 2) * other },
    ];
  }
  return [
    { p: own, q: 1 / buckets },
    { p: (buckets - 1) * other, q: (buckets - 1) / buckets },
  ];
}
