/** A3, A20, A21: DPA google/differential-privacy dp_accounting (pld/*_test). */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { gaussianMuOf, truePositiveRateOf } from '../src/accounting/attack-power.js';
import { deltaOf } from '../src/accounting/epsilon.js';
import { InvalidArgumentError } from '../src/errors.js';
import type { PrivacyEvent } from '../src/privacy-event.js';
import { all, dpSgd, gaussian, poisson, times } from './events.js';

/** A Gaussian that the closed form does not see: sampled with a rate of one less a hair. */
function onGrid(s: number): PrivacyEvent {
  return poisson(1 - 2 ** -40, gaussian(s));
}

describe('true positive rate at a false positive rate', () => {
  it('A3: s = √3 once and twice: .38914 at .1, μ = 1', () => {
    for (const base of [gaussian(Math.sqrt(3)), onGrid(Math.sqrt(3))]) {
      const event = all(base, times(2, base));
      expect(truePositiveRateOf(event, { falsePositiveRate: 0.1 })).toBeCloseTo(0.38914, 4);
      expect(gaussianMuOf(event)).toBeCloseTo(1, 3);
    }
  });

  it.each([
    [1e-3, 0.0183],
    [1e-4, 0.003274],
    [1e-5, 5.475e-4],
    [1e-6, 8.7218e-5],
    [1e-10, 4.1303e-8],
  ])('A21: μ = 1 at %d: %d, in closed form and on the grid', (falsePositiveRate, expected) => {
    for (const event of [gaussian(1), times(4, onGrid(2))]) {
      const found = truePositiveRateOf(event, { falsePositiveRate });
      expect(Math.abs(found / expected - 1)).toBeLessThan(1e-3);
    }
  });

  it('is the lower envelope of the lines e^ε α + δ(ε) (property)', () => {
    const event = dpSgd(0.1, 1.5, 12);
    const rates = fc.double({ min: 1e-4, max: 0.9, noNaN: true });
    const epsilons = fc.double({ min: 0, max: 4, noNaN: true });
    fc.assert(
      fc.property(rates, epsilons, (falsePositiveRate, epsilon) => {
        const power = truePositiveRateOf(event, { falsePositiveRate });
        expect(power).toBeGreaterThanOrEqual(falsePositiveRate);
        const line = Math.exp(epsilon) * falsePositiveRate + deltaOf(event, { epsilon });
        expect(power).toBeLessThanOrEqual(line + 1e-6);
      }),
      { numRuns: 10 },
    );
  });

  it('edges: nothing happened, no noise, never or always an alarm', () => {
    const event = dpSgd(0.1, 2, 3);
    expect(truePositiveRateOf({ kind: 'no-op' }, { falsePositiveRate: 0.2 })).toBe(0.2);
    expect(truePositiveRateOf({ kind: 'non-private' }, { falsePositiveRate: 0 })).toBe(1);
    expect(truePositiveRateOf(event, { falsePositiveRate: 0 })).toBeLessThan(1e-9);
    expect(truePositiveRateOf(event, { falsePositiveRate: 1 })).toBe(1);
    expect(gaussianMuOf({ kind: 'no-op' })).toBe(0);
    expect(gaussianMuOf({ kind: 'non-private' })).toBe(Infinity);
  });

  it.each([NaN, -0.1, 1.1, Infinity])('refuses a rate of %s', (rate) => {
    const event = dpSgd(0.1, 2, 3);
    expect(() => truePositiveRateOf(event, { falsePositiveRate: rate })).toThrow(
      InvalidArgumentError,
    );
    expect(() => gaussianMuOf(event, { errorRateMin: rate })).toThrow(InvalidArgumentError);
  });
});

describe('μ of a Gaussian that is as easy to tell apart', () => {
  it.each([
    [0.5, 1.34898],
    [0.9, 0.25132],
    [0.99, 0.025067],
  ])('A20: randomized response of two, noise %d: %d', (noise, expected) => {
    const event: PrivacyEvent = { kind: 'randomized-response', noise, buckets: 2 };
    const mu = gaussianMuOf(event, { adjacency: 'replace-one' });
    expect(Math.abs(mu / expected - 1)).toBeLessThan(0.01);
  });

  it('the table of the default plan: .142, and .275 over a day', () => {
    // Those are the μ of the Gaussian with the same ε at 1e-5; the curve as a whole is a little worse or better.
    const round = dpSgd(0.0512, 3.05, 59);
    expect(gaussianMuOf(round, { errorRateMin: 1e-5 })).toBeCloseTo(0.142, 2);
    expect(gaussianMuOf(times(4, round), { errorRateMin: 1e-5 })).toBeCloseTo(0.275, 2);
  });

  it('is an upper bound: no rate is beaten', () => {
    const event = dpSgd(0.2, 1.2, 5);
    const mu = gaussianMuOf(event, { errorRateMin: 1e-4 });
    for (const falsePositiveRate of [1e-4, 1e-3, 0.02, 0.3, 0.6]) {
      expect(truePositiveRateOf(event, { falsePositiveRate })).toBeLessThanOrEqual(
        truePositiveRateOf(gaussian(1 / mu), { falsePositiveRate }) + 1e-6,
      );
    }
  });
});
