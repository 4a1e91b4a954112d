/**
 * Source of A-rows: google/differential-privacy `dp_accounting` (pld/accountant_test, pld_privacy_accountant_test);
 * the multipliers for δ = 1e-5 are recomputed from Balle and Wang 2018 with 50 digits.
 */
import { describe, expect, it } from 'vitest';
import {
  gaussianDelta,
  gaussianEpsilon,
  gaussianNoiseMultiplier,
} from '../src/accounting/gaussian.js';
import { InvalidArgumentError } from '../src/errors.js';
import {
  erfc,
  logNormalCdf,
  normalCdf,
  normalQuantileOfLog,
} from '../src/numerics/normal-distribution.js';

describe('analytic Gaussian', () => {
  it.each([
    [0.5, 1e-5, 7.0318266756],
    [1, 1e-5, 3.7306316348],
    [2, 1e-5, 1.9938124456],
    [4, 1e-5, 1.0811618495],
    [8, 1e-5, 0.6002290722],
  ])('ε = %d, δ = %d needs s = %d', (epsilon, delta, s) => {
    expect(gaussianNoiseMultiplier(epsilon, delta)).toBeCloseTo(s, 10);
    expect(gaussianEpsilon(s, delta)).toBeCloseTo(epsilon, 9);
    expect(gaussianDelta(s, epsilon) / delta).toBeCloseTo(1, 7);
  });

  it.each([
    [1e-6, 8.0576],
    [1e-7, 8.9957],
  ])('ε = 0.5, δ = %d needs s = %d', (delta, s) => {
    expect(gaussianNoiseMultiplier(0.5, delta)).toBeCloseTo(s, 4);
  });

  it('A1, A2: σ = 1/3 for one query, 10 for 25 queries of sensitivity 6', () => {
    const s = gaussianNoiseMultiplier(1, 0.78760074);
    expect(s).toBeCloseTo(1 / 3, 6);
    expect(6 * s * Math.sqrt(25)).toBeCloseTo(10, 5);
  });

  it('A3: s = √3 three times is s = 1: δ(1) = .126936', () => {
    expect(gaussianDelta(Math.sqrt(3) / Math.sqrt(3), 1)).toBeCloseTo(0.126936, 5);
  });

  it('returns the side that keeps the promise', () => {
    for (const epsilon of [0.1, 0.5, 3]) {
      expect(gaussianDelta(gaussianNoiseMultiplier(epsilon, 1e-5), epsilon)).toBeLessThanOrEqual(
        1e-5,
      );
    }
    for (const s of [0.3, 1, 7, 100]) {
      expect(gaussianDelta(s, gaussianEpsilon(s, 1e-7))).toBeLessThanOrEqual(1e-7);
    }
  });

  it('needs no ε where δ alone covers the distance', () => {
    expect(gaussianEpsilon(1e6, 1e-5)).toBe(0);
  });

  it.each([
    ['noiseMultiplier', () => gaussianDelta(0, 1)],
    ['noiseMultiplier', () => gaussianDelta(NaN, 1)],
    ['noiseMultiplier', () => gaussianEpsilon(-1, 1e-5)],
    ['delta', () => gaussianEpsilon(1, 0)],
    ['delta', () => gaussianEpsilon(1, 1)],
    ['delta', () => gaussianNoiseMultiplier(1, NaN)],
    ['epsilon', () => gaussianNoiseMultiplier(-1, 1e-5)],
    ['epsilon', () => gaussianNoiseMultiplier(Infinity, 1e-5)],
  ])('refuses a bad %s', (argument, call) => {
    expect(call).toThrow(InvalidArgumentError);
    expect(call).toThrow(argument);
  });
});

describe('normal distribution', () => {
  // Python 3 math.erfc (glibc, correctly rounded to 1 ulp).
  it.each([
    [-3, 1.9999779095030015],
    [-0.5, 1.5204998778130465],
    [0.1, 0.8875370839817152],
    [0.84, 0.23485728854500548],
    [1, 0.15729920705028513],
    [1.3, 0.06599205505934755],
    [2.9, 4.109787809945886e-5],
    [6, 2.1519736712498916e-17],
    [20, 5.3958656116079005e-176],
    [26, 5.663192408856143e-296],
  ])('erfc(%d)', (x, expected) => {
    expect(erfc(x) / expected).toBeCloseTo(1, 13);
  });

  it.each([-1, -5, -37, -40, -100, -1e6])('ln Φ(%d) does not underflow and joins smoothly', (x) => {
    // ln Φ(x) lies between the first and second order of Mills' ratio.
    const density = -0.5 * x * x - 0.5 * Math.log(2 * Math.PI);
    expect(logNormalCdf(x)).toBeLessThan(density - Math.log(-x));
    expect(logNormalCdf(x)).toBeGreaterThan(
      density - Math.log(-x) + Math.log((x * x) / (x * x + 1)) - 1e-12 * x * x,
    );
  });

  it('the quantile inverts the logarithm in both tails', () => {
    for (const x of [-38, -10, -3, -0.5, 0, 0.7, 2, 5]) {
      expect(normalQuantileOfLog(logNormalCdf(x))).toBeCloseTo(x, 8);
    }
    expect(normalCdf(0)).toBe(0.5);
  });
});
