/**
 * ε and δ from privacy loss distributions.
 *
 * Add and remove are composed apart and the larger answer counts. The grid is chosen for the question: the error that
 * a step h makes after T compositions is about T h² z / (12 σ_L √T), σ_L the deviation of one loss, so that h can be
 * wide where the loss is, and memory stays bounded.
 * @module
 */
import { GridTooLargeError } from '../errors.js';
import type { Adjacency, PrivacyEvent } from '../privacy-event.js';
import { GRID_BYTES_MAX, GRID_SIZE_MAX, composeGrids } from './compose-grids.js';
import { gaussianDelta, gaussianEpsilon } from './gaussian.js';
import { deltaAt, dominatingGrid, epsilonAt, type LossGrid } from './loss-grid.js';
import { addPair, removePair, replacePair, type LossPair } from './loss-pair.js';
import { reduceEvent, type Mechanism, type Reduction } from './mechanism.js';

export interface PldOptions {
  readonly adjacency: Adjacency;
  /** Grid step h; chosen for `accuracy` when absent. */
  readonly step?: number | undefined;
  /** Aim for the discretisation error of ε; default 4e-6. */
  readonly accuracy?: number | undefined;
}

/** @throws {UnsupportedEventError | GridTooLargeError} */
export function pldEpsilon(event: PrivacyEvent, delta: number, options: PldOptions): number {
  const reduction = reduceEvent(event, options.adjacency, 'pld');
  if (reduction.unbounded) return Infinity;
  if (reduction.parts.length === 0) return 0;
  const gaussian = onlyGaussian(reduction, options.adjacency);
  if (gaussian !== null) return gaussianEpsilon(gaussian, delta);
  return Math.max(
    ...composedGrids(reduction, delta, options).map((grid) =>
      epsilonAt(grid, Math.max(0, delta - grid.aliasing)),
    ),
  );
}

/** δ at ε; `deltaHint` sets the truncation. */
export function pldDelta(event: PrivacyEvent, epsilon: number, options: PldOptions): number {
  const reduction = reduceEvent(event, options.adjacency, 'pld');
  if (reduction.unbounded) return 1;
  if (reduction.parts.length === 0) return 0;
  const gaussian = onlyGaussian(reduction, options.adjacency);
  if (gaussian !== null) return gaussianDelta(gaussian, epsilon);
  return Math.max(
    ...composedGrids(reduction, 1e-12, options).map((grid) =>
      Math.min(1, deltaAt(grid, epsilon) + grid.aliasing),
    ),
  );
}

/** A single full-data Gaussian is answered in closed form. */
function onlyGaussian(reduction: Reduction, adjacency: Adjacency): number | null {
  const { parts } = reduction;
  if (parts.length !== 1 || parts[0]!.mechanism.kind !== 'gaussian') return null;
  const { noiseMultiplier } = parts[0]!.mechanism;
  return adjacency === 'replace-one' ? noiseMultiplier / 2 : noiseMultiplier;
}

/** One composed grid a direction. */
function composedGrids(reduction: Reduction, delta: number, options: PldOptions): LossGrid[] {
  const countTotal = reduction.parts.reduce((sum, part) => sum + part.count, 0);
  // Truncation may cost a ten-millionth of δ in all.
  const tailMass = Math.max(delta * 1e-8, 1e-290);
  const logTailMass = Math.log(tailMass / countTotal);
  const directions = pairsOf(reduction, options.adjacency);
  return directions.map((pairs) => {
    const step = options.step ?? chooseStep(pairs, logTailMass, options.accuracy ?? 4e-6);
    return composeGrids(
      pairs.map(({ pair, count }) => ({ grid: dominatingGrid(pair, step, logTailMass), count })),
      tailMass,
    );
  });
}

interface PairCount {
  readonly pair: LossPair;
  readonly count: number;
}

/** [remove, add], or one list when every pair is symmetric. */
function pairsOf(reduction: Reduction, adjacency: Adjacency): PairCount[][] {
  const directions: ((mechanism: Mechanism) => LossPair)[] =
    adjacency === 'replace-one'
      ? [replaceDirection]
      : [
          (mechanism) => removePair(mixtureOf(mechanism)),
          (mechanism) => addPair(mixtureOf(mechanism)),
        ];
  return directions.map((pairOf) =>
    reduction.parts.map(({ mechanism, count }) => ({ pair: pairOf(mechanism), count })),
  );
}

function mixtureOf(mechanism: Mechanism): {
  shifts: readonly number[];
  weights: readonly number[];
} {
  switch (mechanism.kind) {
    case 'gaussian':
      return { shifts: [1 / mechanism.noiseMultiplier], weights: [1] };
    case 'sampled-gaussian':
      return {
        shifts: [0, 1 / mechanism.noiseMultiplier],
        weights: [1 - mechanism.samplingProbability, mechanism.samplingProbability],
      };
    case 'mixture':
      return mechanism.mixture;
  }
}

function replaceDirection(mechanism: Mechanism): LossPair {
  switch (mechanism.kind) {
    case 'gaussian':
      return removePair({ shifts: [2 / mechanism.noiseMultiplier], weights: [1] });
    case 'sampled-gaussian':
      return replacePair(1 / mechanism.noiseMultiplier, mechanism.samplingProbability);
    case 'mixture':
      throw new TypeError('refused by reduceEvent');
  }
}

const COARSE_POINTS = 400;

function chooseStep(pairs: readonly PairCount[], logTailMass: number, accuracy: number): number {
  let variance = 0;
  let widest = 0;
  let countTotal = 0;
  for (const { pair, count } of pairs) {
    const { lower, upper } = pair.range(logTailMass);
    const coarse = dominatingGrid(pair, (upper - lower) / COARSE_POINTS, logTailMass);
    variance += count * varianceOf(coarse);
    widest = Math.max(widest, upper - lower);
    countTotal += count;
  }
  const deviation = Math.sqrt(variance);
  const wanted = Math.sqrt((accuracy * 12 * deviation) / (4 * countTotal));
  // Chernoff windows come out at about ±9 deviations at our tails; single steps as they are.
  const span = Math.max(widest, 20 * deviation + 1e-9);
  const affordable = span / (GRID_SIZE_MAX / 2);
  if (wanted >= affordable) return wanted;
  const error = (accuracy * affordable ** 2) / wanted ** 2;
  if (error > 0.01) {
    throw new GridTooLargeError({
      bytesNeeded: (span / wanted) * 48,
      bytesMax: GRID_BYTES_MAX,
      reason: `Losses over ${span.toPrecision(3)} in steps of ${wanted.toPrecision(3)}`,
    });
  }
  return affordable;
}

function varianceOf(grid: LossGrid): number {
  let mass = 0;
  let mean = 0;
  for (let i = 0; i < grid.masses.length; i++) {
    mass += grid.masses[i]!;
    mean += grid.masses[i]! * i;
  }
  mean /= mass;
  let variance = 0;
  for (let i = 0; i < grid.masses.length; i++) variance += grid.masses[i]! * (i - mean) ** 2;
  return (variance / mass) * grid.step ** 2;
}
