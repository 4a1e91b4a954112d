/**
 * exp of a dyadic number, bracketed by integers. No floating point.
 * @module
 */

/**
 * Brackets exp(−n / 2^s): lower <= 2^precision · exp(−n / 2^s) <= upper, with a gap of a few dozen units.
 *
 * The series of exp(+g) has positive terms only, so cutting each term off rounds down and a bound on what was cut
 * rounds up; the reciprocal swaps the two. Worked: n = 1, s = 0, precision 8 gives 94 <= 256/e = 94.18 <= 95.
 *
 * @param n - >= 0
 * @param s - >= 0
 */
export function expNegativeBracket(
  n: bigint,
  s: bigint,
  precision: bigint,
): { lower: bigint; upper: bigint } {
  // Guard bits: e^g needs none for its integer part, but its reciprocal loses 2·log2(e^g) of them.
  const guard = 16n + 3n * (n >> s);
  const bits = precision + guard;
  const one = 1n << bits;
  let sum = 0n;
  let term = one;
  let count = 0n;
  for (let k = 1n; term > 0n; k++) {
    sum += term;
    term = (term * n) / (k << s);
    count++;
  }
  // Cutting makes term k low by Σ_{i<=k} g^(k−i) i!/k! units, so the sum by less than count · e^g. Where the loop stops
  // the true term is below 1 + e^g units and the rest of the series below e^g times that. Both fit in the slack, which
  // the guard bits turn into less than one unit of the result.
  const slack = (count + 2n) * ((sum >> bits) + 2n) ** 2n;
  const scale = 1n << (bits + precision);
  return { lower: scale / (sum + slack), upper: scale / sum + 1n };
}
