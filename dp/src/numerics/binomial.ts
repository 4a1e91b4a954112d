/**
 * The upper tail of the binomial law.
 * @module
 */
import { logGamma } from './log-space.js';

/** P[Bin(n, p) >= k] */
export function binomialTail(n: number, p: number, k: number): number {
  if (k <= 0) return 1;
  if (k > n) return 0;
  if (p <= 0) return 0;
  if (p >= 1) return 1;
  // Sum from the larger end of the tail; terms fall geometrically once past the mean.
  const logP = Math.log(p);
  const logRest = Math.log1p(-p);
  const logTerm = (i: number): number =>
    logGamma(n + 1) - logGamma(i + 1) - logGamma(n - i + 1) + i * logP + (n - i) * logRest;
  const below = k <= n * p;
  let sum = 0;
  let term = Math.exp(logTerm(below ? k - 1 : k));
  if (below) {
    for (let i = k - 1; i >= 0 && term > 0; i--) {
      sum += term;
      if (term < sum * 1e-17) break;
      term *= (i / (n - i + 1)) * ((1 - p) / p);
    }
    return Math.max(0, 1 - sum);
  }
  for (let i = k; i <= n && term > 0; i++) {
    sum += term;
    if (term < sum * 1e-17) break;
    term *= ((n - i) / (i + 1)) * (p / (1 - p));
  }
  return Math.min(1, sum);
}
