/**
 * Sums and binomials by their logarithms, so that nothing overflows on the way to a small answer.
 * @module
 */

/** ln(e^a + e^b) */
export function logAdd(a: number, b: number): number {
  const high = Math.max(a, b);
  if (high === -Infinity || high === Infinity) return high;
  return high + Math.log1p(Math.exp(Math.min(a, b) - high));
}

/** ln(e^a − e^b) for a >= b. */
export function logSubtract(a: number, b: number): number {
  if (b === -Infinity) return a;
  if (a <= b) return -Infinity;
  return a + (b - a > -Math.LN2 ? Math.log(-Math.expm1(b - a)) : Math.log1p(-Math.exp(b - a)));
}

export function logSumExp(values: readonly number[] | Float64Array): number {
  let high = -Infinity;
  for (const value of values) if (value > high) high = value;
  if (!Number.isFinite(high)) return high;
  let sum = 0;
  for (const value of values) sum += Math.exp(value - high);
  return high + Math.log(sum);
}

// Lanczos, g = 607/128, 15 terms (Godfrey 2001): relative error of Γ below 1e−15 for x > 0.5.
const LANCZOS_G = 607 / 128;
const LANCZOS = [
  0.9999999999999971, 57.15623566586292, -59.59796035547549, 14.136097974741746,
  -0.4919138160976202, 3.399464998481189e-5, 4.652362892704858e-5, -9.837447530487956e-5,
  0.0001580887032249125, -0.00021026444172410488, 0.00021743961811521265, -0.0001643181065367639,
  8.441822398385275e-5, -2.6190838401581408e-5, 3.6899182659531625e-6,
] as const;

/** ln |Γ(x)| for x that is not 0, −1, −2, … */
export function logGamma(x: number): number {
  if (x < 0.5) return Math.log(Math.PI / Math.abs(Math.sin(Math.PI * x))) - logGamma(1 - x);
  const z = x - 1;
  let series: number = LANCZOS[0];
  for (let i = 1; i < LANCZOS.length; i++) series += LANCZOS[i]! / (z + i);
  const t = z + LANCZOS_G + 0.5;
  return 0.9189385332046728 + (z + 0.5) * Math.log(t) - t + Math.log(series);
}

/** ln binom(n, k) for real n >= k >= 0. */
export function logBinomial(n: number, k: number): number {
  return logGamma(n + 1) - logGamma(k + 1) - logGamma(n - k + 1);
}
