/** A16: DPA google/differential-privacy dp_accounting (pld_privacy_accountant_test). */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { deltaOf, epsilonInterval, epsilonOf } from '../src/accounting/epsilon.js';
import { pldEpsilon } from '../src/accounting/pld-accountant.js';
import type { PrivacyEvent } from '../src/privacy-event.js';
import { all, dpSgd, gaussian, poisson, times } from './events.js';

function capped(n: number, q: number, batchMax: number, s: number): PrivacyEvent {
  return {
    kind: 'truncated-poisson-gaussian',
    datasetSize: n,
    samplingProbability: q,
    batchMax,
    noiseMultiplier: s,
  };
}

const delta = 1e-5;

describe('truncated Poisson batches', () => {
  it('A16: (n 4, q .5, cap 2, s 1) three times and (n 3, same) twice: 17.904330', () => {
    const event = all(times(3, capped(4, 0.5, 2, 1)), times(2, capped(3, 0.5, 2, 1)));
    const found = pldEpsilon(event, 1e-6, { adjacency: 'add-or-remove-one', step: 1e-4 });
    expect(found).toBeCloseTo(17.90433, 5);
  });

  it('is plain Poisson sampling when the cap is not reached, or hardly ever', () => {
    for (const adjacency of ['add-or-remove-one', 'replace-one', 'zero-out'] as const) {
      const options = { delta, adjacency };
      expect(epsilonOf(times(9, capped(100, 0.1, 100, 2)), options)).toBe(
        epsilonOf(dpSgd(0.1, 2, 9), options),
      );
      expect(epsilonOf(times(9, capped(100, 0.1, 60, 2)), options)).toBeCloseTo(
        epsilonOf(dpSgd(0.1, 2, 9), options),
        5,
      );
    }
  });

  it('costs more the tighter the cap, up to a swap at every step (property)', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 3, max: 40 }),
        fc.double({ min: 0.05, max: 0.6, noNaN: true }),
        fc.double({ min: 1, max: 8, noNaN: true }),
        (n, q, s) => {
          const free = epsilonOf(poisson(q, gaussian(s)), { delta });
          const tight = epsilonOf(capped(n, q, Math.max(1, Math.floor(n / 3)), s), { delta });
          expect(tight).toBeGreaterThanOrEqual(free - 1e-5);
          expect(tight).toBeLessThanOrEqual(epsilonOf(gaussian(s / 4), { delta }) + 1e-5);
        },
      ),
      { numRuns: 10 },
    );
  });

  it.each([0.3, 0.6, 0.99])('dominates what can be seen: n 3, q %d, cap 1, s 1.5', (q) => {
    // The two others give −1 each, the record +1; of those sampled, one is taken.
    const s = 1.5;
    const density = (x: number, at: number): number =>
      Math.exp(-((x - at) ** 2) / (2 * s * s)) / (s * Math.sqrt(2 * Math.PI));
    const none = (1 - q) ** 2;
    const without = (x: number): number => none * density(x, 0) + (1 - none) * density(x, -1);
    const own = q * (none + (2 * q * (1 - q)) / 2 + (q * q) / 3);
    const empty = (1 - q) * none;
    const within = (x: number): number =>
      empty * density(x, 0) + own * density(x, 1) + (1 - empty - own) * density(x, -1);
    type Law = (x: number) => number;
    const stick = (p: Law, r: Law, epsilon: number): number => {
      let sum = 0;
      for (let x = -14; x < 14; x += 0.01) {
        sum += 0.01 * Math.max(0, p(x) - Math.exp(epsilon) * r(x));
      }
      return sum;
    };
    for (const epsilon of [0.1, 0.5, 1, 2]) {
      const claimed = deltaOf(capped(3, q, 1, s), { epsilon });
      expect(claimed).toBeGreaterThan(stick(within, without, epsilon));
      expect(claimed).toBeGreaterThan(stick(without, within, epsilon));
    }
    if (q === 0.99) {
      // Accounting for it as plain Poisson sampling would claim too little: a tenth here.
      const plain = deltaOf(poisson(q, gaussian(s)), { epsilon: 2 });
      expect(plain).toBeLessThan(0.2 * stick(within, without, 2));
    }
  });

  it('has a certified interval, and the edges: no noise, nobody sampled, everybody sampled', () => {
    const { lower, upper } = epsilonInterval(times(20, capped(5000, 0.05, 260, 2)), { delta });
    const value = epsilonOf(times(20, capped(5000, 0.05, 260, 2)), { delta });
    expect(upper).toBeGreaterThanOrEqual(value);
    expect(upper - value).toBeLessThan(1e-3);
    expect(value).toBeGreaterThan(epsilonOf(dpSgd(0.05, 2, 20), { delta }));
    // The pair is a bound that is not reached: it proves nothing from below …
    expect(lower).toBe(0);
    // … and what is beside it does.
    const beside = times(20, poisson(0.1, gaussian(2)));
    expect(epsilonInterval(all(capped(4, 0.5, 2, 1), beside), { delta }).lower).toBe(
      epsilonInterval(beside, { delta }).lower,
    );
    expect(epsilonOf(capped(4, 0.5, 2, 0), { delta })).toBe(Infinity);
    expect(epsilonOf(capped(4, 0, 2, 0), { delta })).toBe(0);
    expect(epsilonOf(capped(4, 1, 2, 3), { delta })).toBeGreaterThan(0);
  });
});
