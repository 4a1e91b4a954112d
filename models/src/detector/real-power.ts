/**
 * Powers from additions, multiplications and divisions of doubles only, which IEEE 754 rounds in one way everywhere.
 * `Math.pow` differs between engines (Node 22 and 24 disagree), and a calibration table's bytes must not.
 * Relative error below 1e-14 for bases in (0, 1] and exponents in [0, 4].
 * @module
 */

const LN2 = 0.6931471805599453;

/** Natural logarithm of x in (0, 2^53]. */
export function naturalLog(x: number): number {
  let mantissa = x;
  let exponent = 0;
  for (; mantissa > 1.4142135623730951; exponent++) mantissa /= 2;
  for (; mantissa < 0.7071067811865476; exponent--) mantissa *= 2;
  // ln m = 2 artanh(s), |s| < 0.172: twelve terms reach 1e-19.
  const s = (mantissa - 1) / (mantissa + 1);
  const square = s * s;
  let sum = 0;
  for (let k = 23; k >= 1; k -= 2) sum = sum * square + 1 / k;
  return exponent * LN2 + 2 * s * sum;
}

/** base^exponent for base in (0, 1], exponent ≥ 0. */
export function realPower(base: number, exponent: number): number {
  const x = exponent * naturalLog(base);
  const halvings = Math.round(-x / LN2);
  const rest = x + halvings * LN2;
  let sum = 1;
  for (let k = 18; k >= 1; k--) sum = 1 + (sum * rest) / k;
  for (let k = 0; k < halvings; k++) sum /= 2;
  return sum;
}
