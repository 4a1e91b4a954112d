/**
 * Composition of privacy loss distributions: one product in the Fourier domain for all parts and counts.
 * @module
 */
import {
  MULTIPLY_ERROR_BOUND,
  inverseTransform,
  multiply,
  raise,
  spectrumNorm,
  transform,
  transformErrorBound,
  type Spectrum,
} from '../numerics/fft.js';
import { minimise } from '../numerics/root-search.js';
import { requireGridSize } from './grid-size.js';
import type { LossGrid } from './loss-grid.js';

export interface LossGridPart {
  readonly grid: LossGrid;
  /** How many independent times, >= 1. */
  readonly count: number;
}

/**
 * @param parts - all on the same step
 * @param tailMass - mass that may fall outside of the result, on either side
 * @throws {GridTooLargeError} `ERR_DP_GRID` when the result does not fit into 2^21 points
 */
export function composeGrids(parts: readonly LossGridPart[], tailMass: number): LossGrid {
  const only = parts[0]!;
  if (parts.length === 1 && only.count === 1) return only.grid;
  const { step } = only.grid;
  const window = outputWindow(parts, tailMass);
  const size = Math.max(4, 2 ** Math.ceil(Math.log2(window.last - window.first + 1)));
  requireGridSize(size, `A privacy loss distribution of ${window.last - window.first + 1} points`);
  let product: Spectrum | null = null;
  let offset = 0;
  let weightedNorm = 0;
  let countTotal = 0;
  let roundOff = 0;
  let logFinite = 0;
  let aliasing = 2 * tailMass;
  let shift = 0;
  for (const { grid, count } of parts) {
    const spectrum = transform(grid.masses, size);
    weightedNorm += count * Math.sqrt(size / 2) * euclideanNorm(grid.masses);
    raise(spectrum, count);
    if (product === null) product = spectrum;
    else multiply(product, spectrum);
    offset += count * grid.first;
    countTotal += count;
    roundOff += count * grid.roundOff;
    aliasing += count * grid.aliasing;
    shift += count * grid.shift;
    logFinite += count * Math.log1p(-grid.infinity);
  }
  const spectrum = product!;
  // Forward errors times T, products, inverse; all points have modulus <= 1, so nothing is amplified (§ fft.ts).
  const forwardError = transformErrorBound(size) * weightedNorm;
  const norm = spectrumNorm(spectrum);
  const productError = MULTIPLY_ERROR_BOUND * (countTotal + parts.length) * norm;
  const inverseError = transformErrorBound(size) * norm;
  const resultError = (1.001 * (forwardError + productError + inverseError)) / Math.sqrt(size / 2);
  const values = inverseTransform(spectrum);
  // A δ sums at most `size` results: ‖error‖₁ <= √size ‖error‖₂.
  roundOff += Math.sqrt(size) * resultError;

  const masses = new Float64Array(window.last - window.first + 1);
  for (let i = 0; i < masses.length; i++) {
    const position = window.first + i - offset;
    const wraps = Math.floor(position / size);
    const value = values[position - wraps * size]!;
    // Negacyclic: each time around turns the sign.
    masses[i] = Math.max(0, wraps % 2 === 0 ? value : -value);
  }
  return {
    step,
    first: window.first,
    masses,
    infinity: -Math.expm1(logFinite),
    aliasing,
    shift,
    roundOff,
  };
}

function euclideanNorm(values: Float64Array): number {
  let sum = 0;
  for (const value of values) sum += value * value;
  return Math.sqrt(sum);
}

/** Index range outside of which the composed loss has at most `tailMass` on either side, by Chernoff's bound. */
function outputWindow(
  parts: readonly LossGridPart[],
  tailMass: number,
): { first: number; last: number } {
  let lowest = 0;
  let highest = 0;
  for (const { grid, count } of parts) {
    lowest += count * grid.first;
    highest += count * (grid.first + grid.masses.length - 1);
  }
  const step = parts[0]!.grid.step;
  const upper = chernoffEdge(parts, tailMass, 1);
  const lower = -chernoffEdge(parts, tailMass, -1);
  return {
    first: Math.max(lowest, Math.floor(lower / step)),
    last: Math.min(highest, Math.ceil(upper / step)),
  };
}

/** min over θ > 0 of (Σ T ln E e^{θ·sign·L} + ln(1/tail)) / θ; any θ is a valid bound. */
function chernoffEdge(parts: readonly LossGridPart[], tailMass: number, sign: 1 | -1): number {
  const coarse = parts.map(({ grid, count }) => ({ ...coarsen(grid), count }));
  const bound = (logTheta: number): number => {
    const theta = Math.exp(logTheta);
    let total = -Math.log(tailMass);
    for (const { losses, masses, count } of coarse) {
      let high = -Infinity;
      for (let i = 0; i < losses.length; i++) {
        if (masses[i]! > 0) high = Math.max(high, theta * sign * losses[i]!);
      }
      let sum = 0;
      for (let i = 0; i < losses.length; i++) {
        if (masses[i]! > 0) sum += masses[i]! * Math.exp(theta * sign * losses[i]! - high);
      }
      total += count * (high + Math.log(sum));
    }
    return total / theta;
  };
  return minimise(bound, { low: Math.log(1e-3), high: Math.log(1e5) }, 32).value;
}

/**
 * At most 512 cells; a cell's mass goes to its two ends so that its mean is kept. e^{θL} is convex, so E e^{θL} is
 * never under-estimated for any θ. (Lifting all mass to one end would shift the sum by T cell widths.)
 */
function coarsen(grid: LossGrid): { losses: Float64Array; masses: Float64Array } {
  const width = Math.max(1, Math.ceil((grid.masses.length - 1) / 512));
  const cells = Math.ceil((grid.masses.length - 1) / width);
  const losses = new Float64Array(cells + 1);
  const masses = new Float64Array(cells + 1);
  for (let i = 0; i <= cells; i++) losses[i] = (grid.first + i * width) * grid.step;
  for (let i = 0; i < grid.masses.length; i++) {
    const cell = Math.floor(i / width);
    const share = i / width - cell;
    masses[cell] = masses[cell]! + grid.masses[i]! * (1 - share);
    if (share > 0) masses[cell + 1] = masses[cell + 1]! + grid.masses[i]! * share;
  }
  return { losses, masses };
}
