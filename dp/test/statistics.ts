/**
 * Small statistics for distribution tests.
 * @module
 */
import { normalCdf } from '../src/numerics/normal-distribution.js';

/** Upper tail probability of a chi-square value, by Wilson and Hilferty 1931 (good to 1 % for 5 and more degrees). */
export function chiSquareTail(value: number, degrees: number): number {
  const c = 2 / (9 * degrees);
  return normalCdf(-(Math.cbrt(value / degrees) - (1 - c)) / Math.sqrt(c));
}

/** Chi-square of counts against probabilities; cells below 10 expected are pooled into one. */
export function chiSquare(
  counts: readonly number[],
  probabilities: readonly number[],
): { value: number; degrees: number; tail: number } {
  const total = counts.reduce((sum, count) => sum + count, 0);
  let value = 0;
  let cells = 0;
  let pooledCount = 0;
  let pooledExpected = 0;
  counts.forEach((count, i) => {
    const expected = total * probabilities[i]!;
    if (expected < 10) {
      pooledCount += count;
      pooledExpected += expected;
    } else {
      value += (count - expected) ** 2 / expected;
      cells++;
    }
  });
  if (pooledExpected > 1) {
    value += (pooledCount - pooledExpected) ** 2 / pooledExpected;
    cells++;
  }
  const degrees = cells - 1;
  return { value, degrees, tail: chiSquareTail(value, degrees) };
}

/** Mean of squares. */
export function meanSquare(values: ArrayLike<number>): number {
  let sum = 0;
  for (let i = 0; i < values.length; i++) sum += values[i]! ** 2;
  return sum / values.length;
}
