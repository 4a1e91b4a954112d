/**
 * A dominating pair (P, Q) of a mechanism, seen through its privacy loss L = ln(P/Q).
 *
 * Add and remove are two pairs and stay apart to the end: the worse direction of one step need not be the worse one of
 * many (Lebeda et al. 2024, arXiv:2412.16802).
 * @module
 */
import { logSubtract } from '../numerics/log-space.js';
import { normalCdf, normalQuantileOfLog } from '../numerics/normal-distribution.js';

/** Splitting here leaves the mass at infinity alone above. */
export const BEYOND_ALL_LOSSES = 1e300;

/** Both distributions, cut in two at one loss. */
export interface LossSplit {
  pAbove: number;
  qAbove: number;
  pBelow: number;
  qBelow: number;
}

export interface LossPair {
  /** Writes P[L > l], Q[L > l], P[L <= l], Q[L <= l]; each is accurate in relative terms, so take the smaller side. */
  split(loss: number, out: LossSplit): void;
  /** Finite losses outside of which, on either side, P has at most half of e^logTailMass. */
  range(logTailMass: number): { lower: number; upper: number };
  /** No loss below this; −∞ where Q has mass that P has not, or without bound. */
  readonly infimum: number;
  /** The largest finite loss; +∞ when they have no bound. Then ε never exceeds count · supremum. */
  readonly supremum: number;
  /** Bound on what round-off in the pair's own parameters may change in any δ(ε); none when absent. */
  readonly roundOff?: number;
}

/** A Gaussian sum that one record moves by c_j standard deviations with probability w_j. */
export interface GaussianMixture {
  /** Shifts in standard deviations, >= 0, at least one > 0. */
  readonly shifts: readonly number[];
  /** Their sum is 1 but for round-off. */
  readonly weights: readonly number[];
}

/** P = Σ w_j N(c_j, 1), Q = N(0, 1): the data set with the record against the one without. */
export function removePair(mixture: GaussianMixture): LossPair {
  const curve = mixtureCurve(mixture);
  return {
    split(loss, out) {
      const cut = curve.cut(curve.at(loss));
      out.pAbove = cut.mixtureAbove;
      out.pBelow = cut.mixtureBelow;
      out.qAbove = cut.stillAbove;
      out.qBelow = cut.stillBelow;
    },
    range(logTailMass) {
      const z = normalQuantileOfLog(logTailMass - Math.LN2);
      return { lower: curve.loss(z), upper: curve.loss(curve.shiftMax - z) };
    },
    infimum: curve.floor,
    supremum: Infinity,
    roundOff: curve.weightError,
  };
}

/** P = N(0, 1), Q = Σ w_j N(c_j, 1). */
export function addPair(mixture: GaussianMixture): LossPair {
  const curve = mixtureCurve(mixture);
  return {
    split(loss, out) {
      const cut = curve.cut(curve.at(-loss));
      out.pAbove = cut.stillBelow;
      out.pBelow = cut.stillAbove;
      out.qAbove = cut.mixtureBelow;
      out.qBelow = cut.mixtureAbove;
    },
    range(logTailMass) {
      const z = normalQuantileOfLog(logTailMass - Math.LN2);
      return { lower: -curve.loss(curve.shiftMax - z), upper: -curve.loss(z) };
    },
    infimum: -Infinity,
    supremum: -curve.floor,
    roundOff: curve.weightError,
  };
}

/**
 * The Poisson-sampled Gaussian under replace-one: P = (1−q)N(0) + qN(−c), Q = (1−q)N(0) + qN(+c).
 * Symmetric, so one pair serves both directions.
 */
export function replacePair(shift: number, samplingProbability: number): LossPair {
  const q = samplingProbability;
  const c = shift;
  // L(x) = ln((1−q + q e^{−cx−c²/2}) / (1−q + q e^{cx−c²/2})), falling in x.
  const logKeep = Math.log1p(-q);
  const logSample = Math.log(q);
  const logOdds = c * c * 0.5 + logKeep - logSample;
  const xOf = (loss: number): number => {
    // sinh(−cx − loss/2) = α sinh(loss/2), α = e^{c²/2}(1−q)/q; in logs, for both may overflow.
    const a = Math.abs(loss) / 2;
    if (a === 0) return 0;
    const logSinh = logOdds + a + Math.log(-Math.expm1(-2 * a)) - Math.LN2;
    const inverse = logSinh > 20 ? logSinh + Math.LN2 : Math.asinh(Math.exp(logSinh));
    return (-Math.sign(loss) * (a + inverse)) / c;
  };
  const mixed = (x: number, by: number): number => (1 - q) * normalCdf(x) + q * normalCdf(x + by);
  const lossAt = (x: number): number => {
    const up = logKeep;
    const p = logSumOf(up, logSample - c * x - 0.5 * c * c);
    return p - logSumOf(up, logSample + c * x - 0.5 * c * c);
  };
  return {
    split(loss, out) {
      const x = xOf(loss);
      out.pAbove = mixed(x, c);
      out.qAbove = mixed(x, -c);
      out.pBelow = mixed(-x, -c);
      out.qBelow = mixed(-x, c);
    },
    range(logTailMass) {
      const z = normalQuantileOfLog(logTailMass - Math.LN2);
      return { lower: lossAt(-z), upper: lossAt(z - c) };
    },
    infimum: -Infinity,
    supremum: Infinity,
  };
}

function logSumOf(a: number, b: number): number {
  const high = Math.max(a, b);
  return high === -Infinity ? high : high + Math.log1p(Math.exp(-Math.abs(a - b)));
}

interface MixtureCurve {
  readonly shiftMax: number;
  /** ln of the weight that does not move: the lower end of the curve. */
  readonly floor: number;
  /** By how much the weights miss a sum of 1; scaled to it, they would change no δ(ε) by more. */
  readonly weightError: number;
  /** ln Σ w_j exp(c_j x − c_j²/2), rising in x. */
  loss(x: number): number;
  /** The x of a loss; ∓∞ outside of the range of the curve. */
  at(loss: number): number;
  /** The mixture and N(0, 1), cut in two at x. The result is reused by the next call. */
  cut(x: number): Readonly<MixtureCut>;
}

interface MixtureCut {
  mixtureAbove: number;
  mixtureBelow: number;
  stillAbove: number;
  stillBelow: number;
}

function mixtureCurve(mixture: GaussianMixture): MixtureCurve {
  const parts = mixture.shifts
    .map((shift, j) => ({ shift, weight: mixture.weights[j]! }))
    .filter((part) => part.weight > 0);
  const shiftMax = Math.max(...parts.map((part) => part.shift));
  const found: MixtureCut = { mixtureAbove: 0, mixtureBelow: 0, stillAbove: 0, stillBelow: 0 };
  const cut = (x: number): MixtureCut => {
    // One small tail per component; its complement is as good as a second evaluation.
    const stillTail = normalCdf(-Math.abs(x));
    found.stillAbove = x > 0 ? stillTail : 1 - stillTail;
    found.stillBelow = x > 0 ? 1 - stillTail : stillTail;
    found.mixtureAbove = 0;
    found.mixtureBelow = 0;
    for (const { shift, weight } of parts) {
      const tail = shift === 0 ? stillTail : normalCdf(-Math.abs(x - shift));
      found.mixtureAbove += weight * (x > shift ? tail : 1 - tail);
      found.mixtureBelow += weight * (x > shift ? 1 - tail : tail);
    }
    return found;
  };
  const exponents = parts.map(({ shift, weight }) => Math.log(weight) - 0.5 * shift * shift);
  const loss = (x: number): number => {
    let high = -Infinity;
    for (let j = 0; j < parts.length; j++) {
      high = Math.max(high, exponents[j]! + parts[j]!.shift * x);
    }
    let sum = 0;
    for (let j = 0; j < parts.length; j++) {
      sum += Math.exp(exponents[j]! + parts[j]!.shift * x - high);
    }
    return high + Math.log(sum);
  };
  const still = parts.find((part) => part.shift === 0);
  const moving = parts.filter((part) => part.shift > 0);
  const single = moving.length === 1 ? moving[0]! : undefined;
  // 1 − q has lost the digits of a small q, so the weight that moves is used where it is known.
  const floor =
    still === undefined
      ? -Infinity
      : single === undefined
        ? Math.log(still.weight)
        : Math.log1p(-single.weight);

  const at = (value: number): number => {
    if (value <= floor) return -Infinity;
    if (single !== undefined) {
      // One shift: solve for its exponential. expm1 keeps the digits when the loss is small.
      const { shift, weight } = single;
      let rest = value;
      if (still !== undefined) {
        const excess = Math.expm1(value) + weight;
        if (excess <= 0) return -Infinity;
        rest = Math.abs(value) < 0.5 ? Math.log(excess) : logSubtract(value, floor);
      }
      return (rest - Math.log(weight)) / shift + shift / 2;
    }
    return invertConvex(value, parts, exponents, shiftMax);
  };
  return {
    shiftMax,
    floor,
    weightError: Math.abs(1 - parts.reduce((sum, { weight }) => sum + weight, 0)),
    loss,
    at,
    cut,
  };
}

/**
 * Solves ln Σ exp(a_j + c_j x) = value by Newton. The left side is convex and rising, so from a point to the right of
 * the root every step lands right of the root again: it cannot overshoot.
 */
function invertConvex(
  value: number,
  parts: readonly Readonly<{ shift: number }>[],
  exponents: readonly number[],
  shiftMax: number,
): number {
  // Right of the root: the least x at which one moving part alone reaches the value.
  let x = Infinity;
  for (let j = 0; j < parts.length; j++) {
    if (parts[j]!.shift > 0) x = Math.min(x, (value - exponents[j]!) / parts[j]!.shift);
  }
  for (let i = 0; i < 200; i++) {
    let high = -Infinity;
    for (let j = 0; j < parts.length; j++) {
      high = Math.max(high, exponents[j]! + parts[j]!.shift * x);
    }
    let sum = 0;
    let slope = 0;
    for (let j = 0; j < parts.length; j++) {
      const term = Math.exp(exponents[j]! + parts[j]!.shift * x - high);
      sum += term;
      slope += term * parts[j]!.shift;
    }
    const step = (high + Math.log(sum) - value) / (slope / sum);
    if (!(step > 1e-15 * Math.max(1 / shiftMax, Math.abs(x)))) return x;
    x -= step;
  }
  return x;
}
