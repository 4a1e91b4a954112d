/**
 * Privacy loss distributions on a grid: from a pair to masses, from masses to ε and δ.
 *
 * δ(ε) = P[L = ∞] + Σ p(l) (1 − e^{ε−l})₊.
 * Source: Doroshenko et al. 2022, "Connect the Dots" (arXiv:2207.04380); Koskela et al. 2020 for composition by FFT.
 * @module
 */
import { InvalidArgumentError } from '../errors.js';
import { requireGridSize } from './grid-size.js';
import { BEYOND_ALL_LOSSES, type LossPair, type LossSplit } from './loss-pair.js';

/** Mass `masses[i]` at loss (first + i) · step, and `infinity` at +∞. */
export interface LossGrid {
  readonly step: number;
  readonly first: number;
  readonly masses: Float64Array;
  readonly infinity: number;
  /** Bound on what truncation may have moved below where it belongs (add to δ) or above (subtract from δ). */
  readonly aliasing: number;
  /** A dominated grid only: true losses may lie this much below their grid points. Take it off ε. */
  readonly shift: number;
  /** Bound on what floating-point round-off may have changed in any δ(ε). */
  readonly roundOff: number;
}

const UNIT_ROUND_OFF = 2 ** -53;

/**
 * Round-off of one computed tail, in units of u: erfc within one unit, a few operations around it, and the argument's
 * own error of four units, which a tail at x feels x² times; x² < −2 ln(tail).
 */
function tailRoundOff(tail: number): number {
  return tail <= 0 ? 0 : UNIT_ROUND_OFF * (8 - 8 * Math.log(tail)) * tail;
}

/** e^loss · mass, where e^loss alone may be beyond all numbers. */
function scaledBy(loss: number, mass: number): number {
  return loss < 700 ? Math.exp(loss) * mass : Math.exp(loss + Math.log(mass));
}

/** A cell's edge is off by some u of its loss; mass that it puts on the wrong side changes δ by no more than that. */
function edgeRoundOff(first: number, size: number, step: number): number {
  return 8 * UNIT_ROUND_OFF * (1 + step * Math.max(Math.abs(first), Math.abs(first + size)));
}

/**
 * The tightest distribution on the grid that dominates the pair ("connect the dots"): the mass between two neighbours
 * is given to both so that P and Q are kept, which is exact at the grid points and pessimistic between them.
 *
 * @param step - h > 0
 * @param logTailMass - natural logarithm of the mass of P that may lie outside of the grid; above it goes to
 *   infinity, below it is lifted to the first point
 */
export function dominatingGrid(pair: LossPair, step: number, logTailMass: number): LossGrid {
  const { first, size } = gridRange(pair, step, logTailMass);
  const masses = new Float64Array(size);
  const here: LossSplit = { pAbove: 0, qAbove: 0, pBelow: 0, qBelow: 0 };
  const next: LossSplit = { pAbove: 0, qAbove: 0, pBelow: 0, qBelow: 0 };
  pair.split(first * step, here);
  masses[0] = here.pBelow;
  let roundOff = edgeRoundOff(first, size, step) + (pair.roundOff ?? 0);
  const gain = -Math.expm1(-step);
  for (let i = 0; i + 1 < size; i++) {
    const loss = (first + i) * step;
    pair.split(loss + step, next);
    const p = massBetween(here.pAbove, here.pBelow, next.pAbove, next.pBelow);
    const q = massBetween(here.qAbove, here.qBelow, next.qAbove, next.qBelow);
    // p = a + b and q = a e^{−l} + b e^{−l−h}.
    const up = Math.min(p, Math.max(0, (p - scaledBy(loss, q)) / gain));
    masses[i] = masses[i]! + (p - up);
    masses[i + 1] = masses[i + 1]! + up;
    // A mass that is put on the wrong one of two neighbours changes δ by at most `gain` times itself.
    roundOff +=
      tailRoundOff(Math.min(next.pAbove, next.pBelow)) +
      scaledBy(loss, tailRoundOff(Math.min(next.qAbove, next.qBelow)));
    here.pAbove = next.pAbove;
    here.qAbove = next.qAbove;
    here.pBelow = next.pBelow;
    here.qBelow = next.qBelow;
  }
  // What lies above the last point: as much there as Q allows, the rest at infinity.
  const top = Math.min(here.pAbove, scaledBy((first + size - 1) * step, here.qAbove));
  masses[size - 1] = masses[size - 1]! + top;
  return { step, first, masses, infinity: here.pAbove - top, aliasing: 0, shift: 0, roundOff };
}

/**
 * A distribution on the grid that the pair dominates: the optimistic bracket.
 *
 * All outcomes with a loss between two half-grid points are merged into one. Merging is post-processing, so the merged
 * pair is dominated; its losses ln(P_i/Q_i) lie within some h² of the grid points. They are called the grid points and
 * the largest gap is kept as `shift`; the few outcomes with a larger gap are moved down by one point.
 */
export function dominatedGrid(pair: LossPair, step: number, logTailMass: number): LossGrid {
  const { first, size } = gridRange(pair, step, logTailMass);
  const masses = new Float64Array(size);
  const gaps = new Float64Array(size);
  const here: LossSplit = { pAbove: 0, qAbove: 0, pBelow: 0, qBelow: 0 };
  const next: LossSplit = { pAbove: 0, qAbove: 0, pBelow: 0, qBelow: 0 };
  pair.split(BEYOND_ALL_LOSSES, next);
  const infinity = next.pAbove;
  pair.split((first - 0.5) * step, here);
  let roundOff = edgeRoundOff(first, size, step) + (pair.roundOff ?? 0);
  for (let i = 0; i < size; i++) {
    pair.split((first + i + 0.5) * step, next);
    const p = massBetween(here.pAbove, here.pBelow, next.pAbove, next.pBelow);
    const q = massBetween(here.qAbove, here.qBelow, next.qAbove, next.qBelow);
    const pError =
      tailRoundOff(Math.min(here.pAbove, here.pBelow)) +
      tailRoundOff(Math.min(next.pAbove, next.pBelow));
    const qError =
      tailRoundOff(Math.min(here.qAbove, here.qBelow)) +
      tailRoundOff(Math.min(next.qAbove, next.qBelow));
    if (p > 4 * pError) {
      // ln of the least P/Q that the computed masses allow.
      const loss = Math.log((p - pError) / (q + qError));
      masses[i] = p;
      gaps[i] = (first + i) * step - loss;
    }
    roundOff += pError;
    here.pAbove = next.pAbove;
    here.qAbove = next.qAbove;
    here.pBelow = next.pBelow;
    here.qBelow = next.qBelow;
  }
  masses[size - 1] = masses[size - 1]! + Math.max(0, here.pAbove - infinity);
  gaps[size - 1] = Math.max(0, gaps[size - 1]!);
  const shift = chooseShift(masses, gaps, step);
  for (let i = 0; i < size; i++) {
    if (gaps[i]! <= shift) continue;
    const mass = masses[i]!;
    masses[i] = 0;
    // One point down when that is certainly below the loss, else to −∞.
    if (i > 0 && gaps[i]! <= step) masses[i - 1] = masses[i - 1]! + mass;
  }
  return { step, first, masses, infinity, aliasing: 0, shift, roundOff };
}

/** The gap g for which moving every outcome by g costs as much as moving those with a larger gap by a whole step. */
function chooseShift(masses: Float64Array, gaps: Float64Array, step: number): number {
  let [low, high] = [0, step];
  for (let i = 0; i < 40; i++) {
    const middle = (low + high) / 2;
    let beyond = 0;
    for (let k = 0; k < masses.length; k++) if (gaps[k]! > middle) beyond += masses[k]!;
    if (beyond * step > middle) low = middle;
    else high = middle;
  }
  return high;
}

/** The loss range of a pair, rounded outwards to multiples of the step. */
function gridRange(
  pair: LossPair,
  step: number,
  logTailMass: number,
): { first: number; size: number } {
  const { lower, upper } = pair.range(logTailMass);
  const first = Math.floor(lower / step);
  const size = Math.ceil(upper / step) - first + 1;
  requireGridSize(size, `Losses over ${(upper - lower).toPrecision(3)} in steps of ${step}`);
  return { first, size };
}

/** P or Q of an interval, from whichever tail is smaller: differences of large numbers lose digits. */
function massBetween(above0: number, below0: number, above1: number, below1: number): number {
  return Math.max(0, above1 < below0 ? above0 - above1 : below1 - below0);
}

/** δ at one ε, from the masses alone. */
export function deltaAt(grid: LossGrid, epsilon: number): number {
  let delta = 0;
  for (let i = grid.masses.length - 1; i >= 0; i--) {
    const excess = (grid.first + i) * grid.step - epsilon;
    if (excess <= 0) break;
    delta += grid.masses[i]! * -Math.expm1(-excess);
  }
  return Math.min(1, delta + grid.infinity);
}

/**
 * The smallest ε >= 0 with δ(ε) <= delta, from the masses alone; +∞ when the mass at infinity is above delta.
 * Between two grid points δ is linear in e^ε, so the answer is exact there.
 */
export function epsilonAt(grid: LossGrid, delta: number): number {
  if (!(delta >= 0)) throw new InvalidArgumentError('delta', 'a number >= 0', delta);
  if (grid.infinity > delta) return Infinity;
  const decay = Math.exp(-grid.step);
  let above = grid.infinity; // P mass so far
  let scaled = 0; // Σ p e^{−(l − here)}
  for (let i = grid.masses.length - 1; i >= 0; i--) {
    const loss = (grid.first + i) * grid.step;
    scaled = scaled * decay + grid.masses[i]!;
    above += grid.masses[i]!;
    if (above > delta && scaled > 0) {
      // δ(ε) = above − scaled · e^{ε − loss} holds from the next lower point up to this one.
      const epsilon = loss + Math.log((above - delta) / scaled);
      if (epsilon >= loss - grid.step) return Math.max(0, epsilon);
    }
    if (loss <= 0) return 0;
  }
  return 0;
}
