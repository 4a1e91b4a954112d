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
  0.99999999999999709182, 57.156235665862923517, -59.597960355475491248, 14.136097974741747174,
  -0.49191381609762019978, 0.33994649984811888699e-4, 0.46523628927048575665e-4,
  -0.98374475304879564677e-4, 0.15808870322491248884e-3, -0.21026444172410488319e-3,
  0.2174396181152126432e-3, -0.16431810653676389022e-3, 0.84418223983852743293e-4,
  -0.2619083840158140867e-4, 0.36899182659531622704e-5,
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
