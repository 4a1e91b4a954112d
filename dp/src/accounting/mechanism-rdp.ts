/**
 * The Rényi curve of each mechanism.
 * @module
 */
import type { Adjacency } from '../privacy-event.js';
import { logAdd, logBinomial, logSubtract } from '../numerics/log-space.js';
import { minimise } from '../numerics/root-search.js';
import type { BaseMechanism, Mechanism, MechanismCount } from './mechanism.js';
import { mixtureRdp, sampledGaussianRdp, type RdpCurve } from './rdp.js';

/** What one mechanism costs at an order. */
export type StepRdp = (mechanism: Mechanism, order: number, adjacency: Adjacency) => number;

/** Curves add up. Order ∞ is the largest privacy loss; it is +∞ for every Gaussian. */
export function curveOf(
  parts: readonly MechanismCount[],
  adjacency: Adjacency,
  step: StepRdp = stepRdp,
): RdpCurve {
  return (order) => {
    let total = 0;
    for (const { mechanism, count } of parts) total += count * step(mechanism, order, adjacency);
    return total;
  };
}

/** Each mechanism is evaluated once at each order. For one question: it never forgets. */
export function rememberedSteps(): StepRdp {
  const known = new Map<string, Map<number, number>>();
  return (mechanism, order, adjacency) => {
    const key = JSON.stringify([adjacency, mechanism]);
    let orders = known.get(key);
    if (orders === undefined) known.set(key, (orders = new Map<number, number>()));
    let value = orders.get(order);
    if (value === undefined) orders.set(order, (value = stepRdp(mechanism, order, adjacency)));
    return value;
  };
}

function stepRdp(mechanism: Mechanism, order: number, adjacency: Adjacency): number {
  if (order === Infinity) return largestLoss(mechanism, adjacency);
  switch (mechanism.kind) {
    case 'sampled':
      return sampledRdp(mechanism.base, mechanism.samplingProbability, order);
    case 'mixture':
      return mixtureRdp(mechanism.mixture.shifts, mechanism.mixture.weights, order);
    case 'zcdp':
      return mechanism.xi + mechanism.rho * order;
    case 'exponential':
      return boundedRangeRdp(mechanism.epsilon, order);
    case 'without-replacement':
      return withoutReplacementRdp(mechanism.samplingProbability, mechanism.noiseMultiplier, order);
    case 'repeat-and-select':
      return repeatAndSelectRdp(curveOf(mechanism.inner, adjacency), mechanism, order);
    case 'truncated-poisson':
      // reduceEvent has refused it for the RDP accountant.
      return Infinity;
    default:
      return baseRdp(mechanism, order, adjacency);
  }
}

function largestLoss(mechanism: Mechanism, adjacency: Adjacency): number {
  switch (mechanism.kind) {
    case 'laplace':
      return (adjacency === 'replace-one' ? 2 : 1) / mechanism.noiseMultiplier;
    case 'randomized-response': {
      const { other, own } = randomizedResponseLogs(mechanism);
      if (adjacency === 'replace-one') return own - other;
      const uniform = -Math.log(mechanism.buckets);
      return Math.max(own - uniform, uniform - other);
    }
    case 'epsilon-delta':
      return mechanism.delta > 0 ? Infinity : mechanism.epsilon;
    case 'zcdp':
      return mechanism.rho > 0 ? Infinity : mechanism.xi;
    case 'exponential':
      return mechanism.epsilon;
    case 'repeat-and-select':
      return repeatAndSelectRdp(curveOf(mechanism.inner, adjacency), mechanism, Infinity);
    default:
      return Infinity;
  }
}

function baseRdp(base: BaseMechanism, order: number, adjacency: Adjacency): number {
  const distance = adjacency === 'replace-one' ? 2 : 1;
  switch (base.kind) {
    case 'gaussian':
      return (order / 2) * (distance / base.noiseMultiplier) ** 2;
    case 'discrete-gaussian':
      return (order / 2) * ((distance * base.sensitivity) / base.sigma) ** 2;
    case 'laplace':
      return laplaceRdp(base.noiseMultiplier / distance, order);
    case 'randomized-response':
      return randomizedResponseRdp(base, order, adjacency);
    case 'epsilon-delta':
      // δ > 0 has no Rényi curve.
      return base.delta > 0 ? Infinity : pureRdp(base.epsilon, order);
  }
}

/** At integer orders the formula of the continuous Gaussian is exact on the lattice; (a−1)·D_a is convex between. */
function sampledRdp(base: BaseMechanism, q: number, order: number): number {
  if (base.kind === 'gaussian') return sampledGaussianRdp(q, base.noiseMultiplier, order);
  if (base.kind !== 'discrete-gaussian') return Infinity;
  const s = base.sigma / base.sensitivity;
  return interpolated((integer) => sampledGaussianRdp(q, s, integer), order);
}

/** Linear in the cumulant (a − 1) D_a between integer orders: an upper bound, for the cumulant is convex. */
function interpolated(atInteger: (order: number) => number, order: number): number {
  const low = Math.max(1, Math.floor(order));
  if (order === low) return atInteger(low);
  const share = order - low;
  const left = low === 1 ? 0 : (low - 1) * atInteger(low);
  return ((1 - share) * left + share * low * atInteger(low + 1)) / (order - 1);
}

/** Mironov 2017 (arXiv:1702.07476), Table II. */
function laplaceRdp(b: number, a: number): number {
  return (
    logAdd(Math.log(a / (2 * a - 1)) + (a - 1) / b, Math.log((a - 1) / (2 * a - 1)) - a / b) /
    (a - 1)
  );
}

/** Randomized response is the worst pure-ε mechanism. */
function pureRdp(epsilon: number, order: number): number {
  if (epsilon === 0) return 0;
  const more = -Math.log1p(Math.exp(-epsilon));
  const less = -Math.log1p(Math.exp(epsilon));
  return Math.max(
    0,
    logAdd(order * more + (1 - order) * less, order * less + (1 - order) * more) / (order - 1),
  );
}

interface RandomizedResponse {
  readonly noise: number;
  readonly buckets: number;
}

/** ln of the probabilities of a wrong answer and of the true one. */
function randomizedResponseLogs(o: RandomizedResponse): { other: number; own: number } {
  const other = o.noise / o.buckets;
  return { other: Math.log(other), own: Math.log(1 - o.noise + other) };
}

function randomizedResponseRdp(
  response: RandomizedResponse,
  order: number,
  adjacency: Adjacency,
): number {
  const { buckets } = response;
  const { other, own } = randomizedResponseLogs(response);
  const term = (logP: number, logQ: number, log: number): number =>
    log + order * logP + (1 - order) * logQ;
  if (adjacency === 'replace-one') {
    const both = logAdd(term(own, other, 0), term(other, own, 0));
    const rest = buckets > 2 ? Math.log(buckets - 2) + other : -Infinity;
    return logAdd(both, rest) / (order - 1);
  }
  const uniform = -Math.log(buckets);
  const many = Math.log(buckets - 1);
  const forward = logAdd(term(own, uniform, 0), term(other, uniform, many));
  const backward = logAdd(term(uniform, own, 0), term(uniform, other, many));
  return Math.max(forward, backward) / (order - 1);
}

/** An ε-bounded-range mechanism (the exponential mechanism): the worst two-point pair with losses t and t − ε. */
function boundedRangeRdp(epsilon: number, order: number): number {
  if (epsilon === 0) return 0;
  const at = (t: number): number => {
    // P gives loss t with p, Q gives it with p e^{−t}; both sum to one.
    const p = Math.expm1(epsilon - t) / (Math.expm1(epsilon) * Math.exp(-t));
    if (Math.abs(order - 1) < 1e-9) return p * t + (1 - p) * (t - epsilon);
    const high = Math.log(p) + t * (order - 1);
    const low = Math.log1p(-p) + (t - epsilon) * (order - 1);
    return logAdd(high, low) / (order - 1);
  };
  return -minimise((t) => -at(t), { low: 0, high: epsilon }, 60).value;
}

/**
 * Papernot, Steinke 2021 (arXiv:2110.03620), Theorem 2: the number of runs is negative binomial with shape η > −1
 * (0: logarithmic; 1: geometric) and the given mean; the best of the runs is released.
 */
function repeatAndSelectRdp(
  inner: RdpCurve,
  o: Readonly<{ mean: number; shape: number }>,
  order: number,
): number {
  if (o.mean === 1) return inner(order);
  const gamma = gammaOf(o.mean, o.shape);
  const eta1 = 1 + o.shape;
  const helper = (logOrder: number): number => {
    const other = 1 + Math.exp(logOrder);
    return eta1 * ((1 - 1 / other) * inner(other) - Math.log(gamma) / other);
  };
  const best = minimise(helper, { low: Math.log(1e-2), high: Math.log(1e12) }, 80).value;
  return inner(order) + best + Math.log(o.mean) / (order - 1);
}

/** The γ of a negative binomial law without zero, of shape η, that has this mean. */
function gammaOf(mean: number, shape: number): number {
  const meanAt = (gamma: number): number =>
    shape === 0
      ? (1 / gamma - 1) / -Math.log(gamma)
      : (shape * (1 - gamma)) / (gamma * (1 - gamma ** shape));
  let [low, high] = [1e-300, 1 - 1e-12];
  for (let i = 0; i < 2000 && high / low > 1 + 1e-14; i++) {
    const middle = Math.sqrt(low * high);
    if (meanAt(middle) > mean) low = middle;
    else high = middle;
  }
  // The smaller γ costs more: the safe side.
  return low;
}

/**
 * Fixed-size sampling without replacement, one record replaced.
 * Wang, Balle, Kasiviswanathan 2019 (arXiv:1808.00087), Theorem 27. `noiseMultiplier` refers to add-or-remove, so the
 * distance is twice one.
 */
function withoutReplacementRdp(q: number, noiseMultiplier: number, order: number): number {
  const s = noiseMultiplier / 2;
  return interpolated((integer) => withoutReplacementAt(q, s, integer), order);
}

function withoutReplacementAt(q: number, s: number, order: number): number {
  if (order === 1) return 0;
  const epsilon = (a: number): number => a / (2 * s * s);
  const exact = order <= 256;
  const differences = exact ? logForwardDifferences(s, order) : null;
  let logSum = 0; // ln 1
  for (let i = 2; i <= order; i++) {
    let logB: number;
    if (i === 2) {
      logB = Math.min(Math.log(4) + Math.log(Math.expm1(epsilon(2))), Math.LN2 + epsilon(2));
    } else {
      logB = Math.LN2 + (i - 1) * epsilon(i);
      if (differences !== null) {
        const even = differences[2 * Math.floor(i / 2)]!;
        const odd = differences[2 * Math.ceil(i / 2)] ?? Infinity;
        logB = Math.min(logB, Math.log(4) + 0.5 * (even + odd));
      }
    }
    logSum = logAdd(logSum, logBinomial(order, i) + i * Math.log(q) + logB);
  }
  return Math.min(logSum / (order - 1), epsilon(order));
}

/** ln of the l-th forward differences at 0 of exp(x(x+1)/(2 s²)), for even l up to the order. */
function logForwardDifferences(s: number, order: number): number[] {
  const logs: number[] = [];
  for (let l = 0; l <= order + 1; l++) {
    // Even l: Σ_k (−1)^k binom(l, k) f(k) > 0; positive and negative terms apart, in logs.
    let plus = -Infinity;
    let minus = -Infinity;
    for (let k = 0; k <= l; k++) {
      const term = logBinomial(l, k) + (k * (k - 1)) / (2 * s * s);
      if ((l - k) % 2 === 0) plus = logAdd(plus, term);
      else minus = logAdd(minus, term);
    }
    const value = logSubtract(plus, minus);
    // Where the difference drowns in round-off it proves nothing.
    logs.push(value > plus - 26 ? value : Infinity);
  }
  return logs;
}
