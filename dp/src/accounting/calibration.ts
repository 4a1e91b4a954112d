/**
 * How much noise a promise needs. The safe side of the last bracket is returned.
 * @module
 */
import {
  requireDelta,
  requireInteger,
  requireNonNegative,
  requireProbability,
} from '../argument-checks.js';
import { CalibrationError } from '../errors.js';
import type { Adjacency, PrivacyEvent } from '../privacy-event.js';
import { provenEpsilonOf } from './epsilon.js';
import { gaussianNoiseMultiplier } from './gaussian.js';
import type { Accountant } from './mechanism.js';

export interface CalibrationTarget {
  readonly epsilon: number;
  readonly delta: number;
  readonly adjacency: Adjacency;
  readonly accountant?: Accountant;
}

const NOISE_MAX = 1e9;

/**
 * The smallest noise multiplier of T steps of the Poisson-sampled Gaussian. Full batches are answered in closed form
 * (7.0318266756 for ε = 0.5, δ = 1e-5, T = 1).
 *
 * @param o.samplingRate - q in [0, 1]; q = 0 or T = 0 needs no noise and returns 0
 * @throws {InvalidArgumentError} `ERR_DP_ARGUMENT`
 * @throws {CalibrationError} `ERR_DP_UNREACHABLE`
 */
export function calibrateNoiseMultiplier(
  o: CalibrationTarget & Readonly<{ samplingRate: number; steps: number }>,
): number {
  requireProbability('samplingRate', o.samplingRate);
  requireInteger('steps', o.steps, { min: 0, max: Number.MAX_SAFE_INTEGER });
  requireNonNegative('epsilon', o.epsilon);
  requireDelta('delta', o.delta);
  if (o.samplingRate === 0 || o.steps === 0) return 0;
  if (o.samplingRate === 1 && o.accountant !== 'rdp') {
    const once = gaussianNoiseMultiplier(o.epsilon, o.delta) * Math.sqrt(o.steps);
    return o.adjacency === 'replace-one' ? 2 * once : once;
  }
  const step = (noiseMultiplier: number): PrivacyEvent => ({
    kind: 'self-composed',
    count: o.steps,
    event: {
      kind: 'poisson-sampled',
      samplingProbability: o.samplingRate,
      event: { kind: 'gaussian', noiseMultiplier },
    },
  });
  return calibrate(step, o);
}

/**
 * The smallest x for which `eventOf(x)` keeps the target, for a family whose ε falls as x grows (a noise multiplier).
 *
 * @param tolerance - relative width of the last bracket; default 1e-7
 * @throws {InvalidArgumentError} `ERR_DP_ARGUMENT`
 * @throws {CalibrationError} `ERR_DP_UNREACHABLE` when even x = 1e9 does not keep it
 */
export function calibrate(
  eventOf: (x: number) => PrivacyEvent,
  target: CalibrationTarget,
  tolerance = 1e-7,
): number {
  requireNonNegative('epsilon', target.epsilon);
  requireDelta('delta', target.delta);
  const excess = (x: number): number => provenEpsilonOf(eventOf(x), target) - target.epsilon;
  let high = 1;
  let above = excess(high);
  let low = high;
  let below = above;
  while (above > 0) {
    low = high;
    below = above;
    high *= 2;
    if (high > NOISE_MAX) {
      throw new CalibrationError(
        `no noise multiplier up to ${NOISE_MAX} gives epsilon ${target.epsilon} at delta ${target.delta}`,
      );
    }
    above = excess(high);
  }
  while (below <= 0) {
    high = low;
    above = below;
    low /= 2;
    if (low < 1e-9) return high;
    below = excess(low);
  }
  return narrow(excess, { low, below, high, above }, tolerance);
}

/** Illinois false position: superlinear, keeps the bracket, returns the end that holds. */
function narrow(
  excess: (x: number) => number,
  bracket: { low: number; below: number; high: number; above: number },
  tolerance: number,
): number {
  let { low, below, high, above } = bracket;
  let lastSide = 0;
  for (let i = 0; i < 100 && high - low > tolerance * high; i++) {
    // At ε = 0 the curve is flat, and a line through it leads nowhere.
    const usable = Number.isFinite(below) && above < 0;
    let x = usable ? low + ((high - low) * below) / (below - above) : (low + high) / 2;
    // Never closer to an end than a third of the tolerance, so that both ends come in.
    const margin = (tolerance * high) / 3;
    x = Math.min(high - margin, Math.max(low + margin, x));
    const value = excess(x);
    if (value > 0) {
      low = x;
      below = value;
      if (lastSide === 1) above /= 2;
      lastSide = 1;
    } else {
      high = x;
      above = value;
      if (lastSide === -1) below /= 2;
      lastSide = -1;
    }
  }
  return high;
}
