/**
 * ε and δ from privacy loss distributions.
 *
 * Add and remove are composed apart and the larger answer counts. The grid is chosen for the question: the error that
 * a step h makes after T compositions is about T h² z / (12 σ_L √T), σ_L the deviation of one loss, so that h can be
 * wide where the loss is, and memory stays bounded.
 * @module
 */
import { normalCdf } from '../numerics/normal-distribution.js';
import type { Adjacency, PrivacyEvent } from '../privacy-event.js';
import { composeGrids } from './compose-grids.js';
import { gaussianDelta, gaussianEpsilon } from './gaussian.js';
import { GRID_SIZE_MAX, requireGridSize } from './grid-size.js';
import { deltaAt, dominatedGrid, dominatingGrid, epsilonAt, type LossGrid } from './loss-grid.js';
import { BEYOND_ALL_LOSSES, type LossSplit } from './loss-pair.js';
import { directionsOf, type PairCount } from './mechanism-pairs.js';
import { reduceEvent, type Reduction } from './mechanism.js';
import { gaussianMuAt, gaussianTruePositiveRate, truePositiveRateAt } from './trade-off.js';

export interface PldOptions {
  readonly adjacency: Adjacency;
  /** Grid step h; chosen for `accuracy` when absent. */
  readonly step?: number | undefined;
  /** Aim for the discretisation error of ε; default 4e-6. */
  readonly accuracy?: number | undefined;
}

/**
 * What is proved about the smallest ε at δ: lower <= ε <= upper, round-off and truncation included. A mechanism for
 * which only a bound is known (batches of a capped size) counts in `upper` alone: `lower` is that of the others, 0 when
 * there are none.
 */
export interface EpsilonInterval {
  readonly lower: number;
  readonly upper: number;
}

/** What is proved about δ at ε, in the same way. */
export interface DeltaInterval {
  readonly lower: number;
  readonly upper: number;
}

/**
 * ε at δ, pessimistic in discretisation and truncation. FFT round-off (of the order of 1e-13 in δ) is not added; see
 * `pldUpperEpsilon`.
 * @throws {UnsupportedEventError | GridTooLargeError}
 */
export function pldEpsilon(event: PrivacyEvent, delta: number, options: PldOptions): number {
  return answer(event, options, {
    gaussian: (s) => gaussianEpsilon(s, delta),
    grids: (reduction) => {
      const question = askGrids(reduction, delta, options);
      const found = question.map(({ grid }) => epsilonAt(grid, Math.max(0, delta - grid.aliasing)));
      return Math.min(Math.max(...found), supremumOf(question, delta));
    },
  });
}

/** An upper bound on ε that includes the proven bound on round-off. */
export function pldUpperEpsilon(event: PrivacyEvent, delta: number, options: PldOptions): number {
  return answer(event, options, {
    gaussian: (s) => gaussianEpsilon(s, delta) * (1 + CLOSED_FORM_ERROR),
    grids: (reduction) => upperOf(askGrids(reduction, delta, options), delta),
  });
}

/**
 * The certified interval: pessimistic and optimistic grids, with the bound on round-off taken off δ on one side and
 * added on the other.
 */
export function pldEpsilonInterval(
  event: PrivacyEvent,
  delta: number,
  options: PldOptions,
): EpsilonInterval {
  const lower = answerOf(reachedBy(reduceEvent(event, options.adjacency, 'pld')), options, {
    gaussian: (s) => gaussianEpsilon(s, delta) * (1 - CLOSED_FORM_ERROR),
    grids: (reduction) =>
      Math.max(
        ...askGrids(reduction, delta, options, dominatedGrid).map(({ grid }) =>
          Math.max(0, epsilonAt(grid, delta + grid.aliasing + grid.roundOff) - grid.shift),
        ),
      ),
  });
  return { lower, upper: pldUpperEpsilon(event, delta, options) };
}

/** Relative error of the closed form: a few units in the last place of two tails whose difference is δ. */
const CLOSED_FORM_ERROR = 1e-11;

function upperOf(question: readonly DirectionGrid[], delta: number): number {
  const found = question.map(({ grid }) => {
    const rest = delta - grid.aliasing - grid.roundOff;
    return rest < 0 ? Infinity : epsilonAt(grid, rest);
  });
  return Math.min(Math.max(...found), supremumOf(question, delta));
}

/** Losses that are bounded bound ε whatever the grid says, unless the mass at infinity alone is above δ. */
function supremumOf(question: readonly DirectionGrid[], delta: number): number {
  return Math.max(
    ...question.map(({ pairs }) => {
      let supremum = 0;
      let logFinite = 0;
      for (const { pair, count } of pairs) {
        pair.split(BEYOND_ALL_LOSSES, edge);
        logFinite += count * Math.log1p(-edge.pAbove);
        supremum += count * pair.supremum;
      }
      return -Math.expm1(logFinite) > delta ? Infinity : Math.max(0, supremum);
    }),
  );
}

const edge: LossSplit = { pAbove: 0, qAbove: 0, pBelow: 0, qBelow: 0 };

/** The shape of every question: no guarantee, nothing happened, one Gaussian, or grids. */
function answer(
  event: PrivacyEvent,
  options: PldOptions,
  on: Readonly<{
    gaussian: (noiseMultiplier: number) => number;
    grids: (reduction: Reduction) => number;
  }>,
): number {
  return answerOf(reduceEvent(event, options.adjacency, 'pld'), options, on);
}

function answerOf(
  reduction: Reduction,
  options: PldOptions,
  on: Parameters<typeof answer>[2],
): number {
  if (reduction.unbounded) return Infinity;
  if (reduction.parts.length === 0) return 0;
  const gaussian = onlyGaussian(reduction, options.adjacency);
  return gaussian === null ? on.grids(reduction) : on.gaussian(gaussian);
}

/** Without the parts whose pair is an upper bound: to forget what they said is post-processing. */
function reachedBy(reduction: Reduction): Reduction {
  const parts = reduction.parts.filter(({ mechanism }) => mechanism.kind !== 'truncated-poisson');
  return { ...reduction, parts };
}

/** δ at ε, pessimistic in discretisation and truncation; nothing below 1e-12 is resolved. */
export function pldDelta(event: PrivacyEvent, epsilon: number, options: PldOptions): number {
  const reduction = reduceEvent(event, options.adjacency, 'pld');
  if (reduction.unbounded) return 1;
  if (reduction.parts.length === 0) return 0;
  const gaussian = onlyGaussian(reduction, options.adjacency);
  if (gaussian !== null) return gaussianDelta(gaussian, epsilon);
  return Math.max(
    ...askGrids(reduction, 1e-12, options).map(({ grid }) =>
      Math.min(1, deltaAt(grid, epsilon) + grid.aliasing),
    ),
  );
}

/** The certified interval of δ at ε: round-off and truncation charged to either side, as in `pldEpsilonInterval`. */
export function pldDeltaInterval(
  event: PrivacyEvent,
  epsilon: number,
  options: PldOptions,
): DeltaInterval {
  const reduction = reduceEvent(event, options.adjacency, 'pld');
  const bound = (of: Reduction, sign: 1 | -1, discretise: typeof dominatingGrid): number => {
    if (of.unbounded) return 1;
    if (of.parts.length === 0) return 0;
    const gaussian = onlyGaussian(of, options.adjacency);
    const found =
      gaussian !== null
        ? [gaussianDelta(gaussian, epsilon) + sign * closedFormError(gaussian, epsilon)]
        : askGrids(of, 1e-12, options, discretise).map(
            ({ grid }) =>
              deltaAt(grid, epsilon + grid.shift) + sign * (grid.aliasing + grid.roundOff),
          );
    return Math.min(1, Math.max(0, ...found));
  };
  return {
    lower: bound(reachedBy(reduction), -1, dominatedGrid),
    upper: bound(reduction, 1, dominatingGrid),
  };
}

/** δ is a difference of two tails; this is some units in the last place of the larger. */
function closedFormError(noiseMultiplier: number, epsilon: number): number {
  return CLOSED_FORM_ERROR * normalCdf(0.5 / noiseMultiplier - epsilon * noiseMultiplier);
}

/** The largest true positive rate at a false positive rate; directions apart, the larger answer counts. */
export function pldTruePositiveRate(
  event: PrivacyEvent,
  falsePositiveRate: number,
  options: PldOptions,
): number {
  const reduction = reduceEvent(event, options.adjacency, 'pld');
  if (reduction.unbounded || falsePositiveRate === 1) return 1;
  if (reduction.parts.length === 0) return falsePositiveRate;
  const gaussian = onlyGaussian(reduction, options.adjacency);
  if (gaussian !== null) return gaussianTruePositiveRate(1 / gaussian, falsePositiveRate);
  const delta = Math.max(falsePositiveRate, 1e-12);
  return Math.max(
    ...askGrids(reduction, delta, options).map(({ grid }) =>
      truePositiveRateAt(grid, falsePositiveRate),
    ),
  );
}

/** The least μ of a Gaussian that is as easy to tell apart; see `gaussianMuAt`. */
export function pldGaussianMu(
  event: PrivacyEvent,
  errorRateMin: number,
  options: PldOptions,
): number {
  return answer(event, options, {
    gaussian: (s) => 1 / s,
    grids: (reduction) =>
      Math.max(
        ...askGrids(reduction, errorRateMin, options).map(({ grid }) =>
          gaussianMuAt(grid, errorRateMin),
        ),
      ),
  });
}

/** A single full-data Gaussian is answered in closed form. */
function onlyGaussian(reduction: Reduction, adjacency: Adjacency): number | null {
  const { parts } = reduction;
  if (parts.length !== 1 || parts[0]!.mechanism.kind !== 'gaussian') return null;
  const { noiseMultiplier } = parts[0]!.mechanism;
  return adjacency === 'replace-one' ? noiseMultiplier / 2 : noiseMultiplier;
}

interface DirectionGrid {
  readonly pairs: readonly PairCount[];
  readonly grid: LossGrid;
}

/** One composed grid a direction. Truncation may cost a hundred-millionth of δ in all. */
function askGrids(
  reduction: Reduction,
  delta: number,
  options: PldOptions,
  discretise: typeof dominatingGrid = dominatingGrid,
): DirectionGrid[] {
  const countTotal = reduction.parts.reduce((sum, part) => sum + part.count, 0);
  const tailMass = Math.max(delta * 1e-8, 1e-290);
  const logTailMass = Math.log(tailMass / countTotal);
  return directionsOf(reduction, options.adjacency, logTailMass).map((pairs) => {
    const step = options.step ?? chooseStep(pairs, logTailMass, options.accuracy ?? 4e-6);
    const parts = pairs.map(({ pair, count }) => ({
      grid: discretise(pair, step, logTailMass),
      count,
    }));
    return { pairs, grid: composeGrids(parts, tailMass) };
  });
}

const COARSE_POINTS = 400;
/** Beyond it a grid point is no longer told from the next. */
const LOSSES_MAX = 1e15;

function chooseStep(pairs: readonly PairCount[], logTailMass: number, accuracy: number): number {
  let variance = 0;
  let widest = 0;
  let together = 0;
  const countTotal = pairs.reduce((sum, { count }) => sum + count, 0);
  // A grid moves a loss by less than a step, so T of them by less than the accuracy: no step need be finer than this,
  // and losses of hardly any width, or of none, have one.
  const finest = accuracy / countTotal;
  for (const { pair, count } of pairs) {
    const { lower, upper } = pair.range(logTailMass);
    const width = Math.max(upper - lower, finest);
    if (!(width < LOSSES_MAX)) {
      requireGridSize(Infinity, 'Losses over more than doubles tell apart');
    }
    const coarse = dominatingGrid(pair, width / COARSE_POINTS, logTailMass);
    variance += count * varianceOf(coarse);
    widest = Math.max(widest, width);
    together += width;
  }
  const deviation = Math.sqrt(variance);
  const wanted = Math.max(finest, Math.sqrt((accuracy * 12 * deviation) / (4 * countTotal)));
  // Chernoff windows come out at about ±9 deviations at our tails; single steps as they are.
  const span = Math.max(widest, 20 * deviation + 1e-9);
  // The grids of all parts are held at once before they are composed.
  const affordable = Math.max(span / (GRID_SIZE_MAX / 2), together / (2 * GRID_SIZE_MAX));
  if (wanted >= affordable) return wanted;
  const error = (accuracy * affordable ** 2) / wanted ** 2;
  if (error > 0.01) {
    requireGridSize(
      Math.max(GRID_SIZE_MAX + 1, Math.max(span, together / 4) / wanted),
      `Losses over ${span.toPrecision(3)} in steps of ${wanted.toPrecision(3)}`,
    );
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
