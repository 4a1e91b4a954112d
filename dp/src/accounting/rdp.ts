/**
 * Rényi differential privacy.
 *
 * Sources: Mironov, Talwar, Zhang 2019 (arXiv:1908.10530) for the Poisson-sampled Gaussian at integer and fractional
 * orders; Canonne, Kamath, Steinke 2020 (arXiv:2004.00010), Proposition 12, for the conversion.
 * @module
 */
import { logGamma, logSumExp } from '../numerics/log-space.js';
import { logNormalCdf } from '../numerics/normal-distribution.js';

/** Rényi divergence as a function of the order a > 1; +∞ where there is none. */
export type RdpCurve = (order: number) => number;

const SERIES_TERMS_MAX = 200_000;

/**
 * One step of the Poisson-sampled Gaussian: ln A(a) / (a − 1) with A = E ((1−q) + q e^{(2z−1)/(2s²)})^a.
 *
 * | q            | result                    |
 * |--------------|---------------------------|
 * | 0            | 0                         |
 * | 1            | a / (2 s²)                |
 * | s = 0        | +∞ for q > 0              |
 *
 * At integer orders the value also holds for the discrete Gaussian on the lattice (shifts are integer vectors, so
 * that the normalisers cancel).
 */
export function sampledGaussianRdp(
  samplingProbability: number,
  noiseMultiplier: number,
  order: number,
): number {
  const q = samplingProbability;
  const s = noiseMultiplier;
  if (q === 0) return 0;
  if (s === 0) return Infinity;
  if (q === 1) return order / (2 * s * s);
  const logA = Number.isInteger(order) ? logAInteger(q, s, order) : logAFractional(q, s, order);
  return Math.max(0, logA) / (order - 1);
}

/** Σ_k binom(a,k) (1−q)^{a−k} q^k exp((k²−k)/(2s²)) */
function logAInteger(q: number, s: number, order: number): number {
  const logQ = Math.log(q);
  const logRest = Math.log1p(-q);
  const terms = new Float64Array(order + 1);
  const logOrder = logGamma(order + 1);
  let logFactorial = 0;
  // A − 1 = Σ_{k>=2} …·(e^{(k²−k)/(2s²)} − 1), since the binomial weights sum to one: keeps the digits of a tiny ln A.
  for (let k = 0; k <= order; k++) {
    if (k > 0) logFactorial += Math.log(k);
    const growth = (k * k - k) / (2 * s * s);
    const logBinom = logOrder - logFactorial - logGamma(order - k + 1);
    const logExcess = growth > 30 ? growth : Math.log(Math.expm1(growth));
    terms[k] = logBinom + (order - k) * logRest + k * logQ + logExcess;
  }
  terms[0] = -Infinity;
  terms[1] = -Infinity;
  const logExcess = logSumExp(terms.subarray(0, order + 1));
  return logExcess > 30 ? logExcess : Math.log1p(Math.exp(logExcess));
}

/**
 * The signed series for real orders. Some libraries take |binom|: a looser bound that need not converge.
 * Worked: q = .04, s = 1.5, a = 3.9 gives ln A = 0.00531628637879 (with |binom|: 0.00531657448).
 */
function logAFractional(q: number, s: number, order: number): number {
  const logQ = Math.log(q);
  const logRest = Math.log1p(-q);
  const z0 = s * s * (logRest - logQ) + 0.5;
  const sum = new SignedLogSum();
  // ln |binom(a, i)| and its sign, by the recurrence binom(a, i+1) = binom(a, i) (a − i)/(i + 1).
  let logBinom = 0;
  let sign = 1;
  let previous = Infinity;
  for (let i = 0; i < SERIES_TERMS_MAX; i++) {
    const j = order - i;
    const t0 =
      logBinom + i * logQ + j * logRest + (i * i - i) / (2 * s * s) + logNormalCdf((z0 - i) / s);
    const t1 =
      logBinom + j * logQ + i * logRest + (j * j - j) / (2 * s * s) + logNormalCdf((j - z0) / s);
    sum.add(t0, sign);
    sum.add(t1, sign);
    const largest = Math.max(t0, t1);
    if (i > order && largest < previous && largest < sum.log() - 36) return sum.log();
    previous = largest;
    logBinom += Math.log(Math.abs(j)) - Math.log(i + 1);
    if (j < 0) sign = -sign;
  }
  return Infinity; // not converged: no bound is claimed at this order
}

/** Σ ± e^t with a moving scale and compensation (Neumaier). */
class SignedLogSum {
  #scale = -Infinity;
  #sum = 0;
  #lost = 0;

  add(logTerm: number, sign: number): void {
    if (logTerm > this.#scale) {
      const shrink = this.#scale === -Infinity ? 0 : Math.exp(this.#scale - logTerm);
      this.#sum *= shrink;
      this.#lost *= shrink;
      this.#scale = logTerm;
    }
    const term = sign * Math.exp(logTerm - this.#scale);
    const sum = this.#sum + term;
    this.#lost +=
      Math.abs(this.#sum) >= Math.abs(term) ? this.#sum - sum + term : term - sum + this.#sum;
    this.#sum = sum;
  }

  log(): number {
    return this.#scale + Math.log(this.#sum + this.#lost);
  }
}

/**
 * A mixture of Gaussians (a group of k records) against N(0, 1): the larger of both directions, by trapezoid sums. They
 * converge geometrically (Trefethen, Weideman 2014): the zeros of the mixture keep π / (largest shift) away from the
 * real axis, so this step leaves less than e^−36 of the integral.
 */
export function mixtureRdp(
  shifts: readonly number[],
  weights: readonly number[],
  order: number,
): number {
  const top = Math.max(...shifts);
  const step = Math.min(0.25, 0.5 / top);
  const heights = shifts.map((shift, j) => Math.log(weights[j]!) - 0.5 * shift * shift);
  const logRatio = (x: number): number => {
    let high = -Infinity;
    for (let j = 0; j < heights.length; j++) high = Math.max(high, heights[j]! + shifts[j]! * x);
    let sum = 0;
    for (let j = 0; j < heights.length; j++) sum += Math.exp(heights[j]! + shifts[j]! * x - high);
    return high + Math.log(sum);
  };
  const integral = (power: number, low: number, high: number): number => {
    const points = Math.min(POINTS_MAX, Math.ceil((high - low) / step));
    const h = (high - low) / points;
    const terms = new Float64Array(points + 1);
    for (let i = 0; i <= points; i++) {
      const x = low + i * h;
      terms[i] = power * logRatio(x) - 0.5 * x * x;
    }
    return logSumExp(terms) + Math.log(h) - 0.9189385332046728;
  };
  const forward = integral(order, -12, 12 + order * top);
  const backward = integral(1 - order, -12 - order * top, 12);
  return Math.max(0, forward, backward) / (order - 1);
}

/** At orders so large that this is too few, an integral's factor is nothing against its exponent. */
const POINTS_MAX = 8192;

/** Orders to look at first: dense near one, log-spaced to 2^14 after. Fractional below 64, where the series is cheap. */
export const SEARCH_ORDERS: readonly number[] = Object.freeze([
  ...Array.from({ length: 12 }, (_, i) => 1.05 + 0.1 * i),
  ...Array.from({ length: 40 }, (_, i) => 2.25 * (64 / 2.25) ** (i / 40)),
  ...Array.from({ length: 49 }, (_, i) => Math.round(64 * 256 ** (i / 48))),
]);

/** Orders at which the curve of the executed lattice mechanism is exact. */
export const INTEGER_ORDERS: readonly number[] = Object.freeze([
  ...Array.from({ length: 63 }, (_, i) => i + 2),
  ...Array.from({ length: 49 }, (_, i) => Math.round(64 * 256 ** (i / 48))).slice(1),
]);

/** ε from one point of the curve: rdp + ln(1 − 1/a) − (ln δ + ln a)/(a − 1), at least 0. */
export function epsilonFromRdp(rdp: number, order: number, delta: number): number {
  if (order <= 1.01 || !Number.isFinite(rdp)) return Infinity;
  // δ² >= 1 − e^{−rdp} (Bretagnolle–Huber): then nothing can be told apart at this δ.
  if (delta * delta > -Math.expm1(-rdp)) return 0;
  const epsilon = rdp + Math.log1p(-1 / order) - (Math.log(delta) + Math.log(order)) / (order - 1);
  return Math.max(0, epsilon);
}

/** δ from one point of the curve, at most 1. */
export function deltaFromRdp(rdp: number, order: number, epsilon: number): number {
  if (order <= 1.01 || !Number.isFinite(rdp)) return 1;
  const logDelta = (order - 1) * (rdp - epsilon + Math.log1p(-1 / order)) - Math.log(order);
  const far = 0.5 * Math.log(-Math.expm1(-rdp));
  return Math.min(1, Math.exp(Math.min(logDelta, far)));
}

/**
 * The best ε over a list of orders, refined between the neighbours of the best one: fractional orders by golden
 * section, above 64 integers only.
 */
export function bestRdpEpsilon(
  curve: RdpCurve,
  delta: number,
  orders: readonly number[] = SEARCH_ORDERS,
  refine = true,
): { epsilon: number; order: number } {
  const at = (order: number): number => epsilonFromRdp(curve(order), order, delta);
  return bestOrder(at, orders, refine);
}

/** The best δ over the orders. */
export function bestRdpDelta(
  curve: RdpCurve,
  epsilon: number,
  orders: readonly number[] = SEARCH_ORDERS,
): { delta: number; order: number } {
  const best = bestOrder((order) => deltaFromRdp(curve(order), order, epsilon), orders, true);
  return { delta: best.epsilon, order: best.order };
}

const FRACTIONAL_MAX = 64;

function bestOrder(
  at: (order: number) => number,
  orders: readonly number[],
  refine: boolean,
): { epsilon: number; order: number } {
  let best = { epsilon: Infinity, order: orders[0]! };
  let bestIndex = 0;
  orders.forEach((order, i) => {
    const epsilon = at(order);
    if (epsilon < best.epsilon) {
      best = { epsilon, order };
      bestIndex = i;
    }
  });
  if (!refine || !Number.isFinite(best.epsilon)) return best;
  const low = orders[Math.max(0, bestIndex - 1)]!;
  const high = orders[Math.min(orders.length - 1, bestIndex + 1)]!;
  const consider = (order: number): number => {
    const epsilon = at(order);
    if (epsilon < best.epsilon) best = { epsilon, order };
    return epsilon;
  };
  if (high <= FRACTIONAL_MAX) goldenSection(consider, low, high);
  else ternaryIntegers(consider, Math.ceil(low), Math.floor(high));
  return best;
}

function goldenSection(f: (x: number) => number, low: number, high: number): void {
  const golden = (Math.sqrt(5) - 1) / 2;
  let [a, b] = [low, high];
  let x1 = b - golden * (b - a);
  let x2 = a + golden * (b - a);
  let [f1, f2] = [f(x1), f(x2)];
  for (let i = 0; i < 24; i++) {
    if (f1 <= f2) {
      [b, x2, f2] = [x2, x1, f1];
      x1 = b - golden * (b - a);
      f1 = f(x1);
    } else {
      [a, x1, f1] = [x1, x2, f2];
      x2 = a + golden * (b - a);
      f2 = f(x2);
    }
  }
}

function ternaryIntegers(f: (x: number) => number, low: number, high: number): void {
  let [a, b] = [low, high];
  while (b - a > 2) {
    const third = Math.floor((b - a) / 3);
    if (f(a + third) <= f(b - third)) b -= third;
    else a += third;
  }
  for (let order = a; order <= b; order++) f(order);
}
