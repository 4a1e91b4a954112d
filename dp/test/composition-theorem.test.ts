/**
 * A28, A29: DPA google/differential-privacy dp_accounting (pld/accountant_test), whose numbers are points of the closed
 * form of Kairouz, Oh, Viswanath 2015 (arXiv:1311.0776), Theorem 3.3. Grids are optimal between the points too.
 */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { calibrate } from '../src/accounting/calibration.js';
import { deltaOf, epsilonOf } from '../src/accounting/epsilon.js';
import { pldDelta } from '../src/accounting/pld-accountant.js';
import { logBinomial } from '../src/numerics/log-space.js';
import type { PrivacyEvent } from '../src/privacy-event.js';
import { times } from './events.js';

function queries(epsilon: number, delta: number, count: number): PrivacyEvent {
  return times(count, { kind: 'epsilon-delta', epsilon, delta });
}

/** δ of k (ε, δ) queries at (k − 2i) ε. */
function theoremDelta(epsilon: number, delta: number, k: number, i: number): number {
  let sum = 0;
  for (let l = 0; l < i; l++) {
    const weight = Math.exp(logBinomial(k, l) - k * Math.log1p(Math.exp(epsilon)));
    sum += weight * (Math.exp(epsilon * (k - l)) - Math.exp(epsilon * (k - 2 * i + l)));
  }
  return 1 - (1 - delta) ** k * (1 - sum);
}

/** The least point of the theorem that keeps the total δ; null when none does. */
function theoremEpsilon(epsilon: number, delta: number, k: number, total: number): number | null {
  for (let i = Math.floor(k / 2); i >= 0; i--) {
    if (theoremDelta(epsilon, delta, k, i) <= total) return epsilon * (k - 2 * i);
  }
  return null;
}

describe('optimal composition of (ε, δ) queries', () => {
  it('is the theorem at its points, never below it (property)', () => {
    fc.assert(
      fc.property(
        fc.double({ min: 0.05, max: 1.2, noNaN: true }),
        fc.constantFrom(0, 1e-4, 1e-3),
        fc.integer({ min: 2, max: 40 }),
        fc.double({ min: 0, max: 1, noNaN: true }),
        (epsilon, delta, k, share) => {
          const i = Math.floor((share * k) / 2);
          const found = pldDelta(queries(epsilon, delta, k), epsilon * (k - 2 * i), {
            adjacency: 'add-or-remove-one',
            step: 1e-4,
          });
          const exact = theoremDelta(epsilon, delta, k, i);
          // An atom that misses the grid is shared by its neighbours: pessimistic by a part of the step.
          expect(found).toBeGreaterThanOrEqual(exact - 1e-9);
          expect(found).toBeLessThan(exact + 5e-4);
        },
      ),
      { numRuns: 15 },
    );
  });

  it.each([
    [0.001, 0.06, 22],
    [0.001, 0.1, 20],
  ])('A28: (1, %d) thirty times, δ %d in all: %d', (delta, total, expected) => {
    expect(theoremEpsilon(1, delta, 30, total)).toBe(expected);
    const event = queries(1, delta, 30);
    expect(epsilonOf(event, { delta: total })).toBeLessThanOrEqual(expected + 1e-5);
    expect(epsilonOf(event, { delta: total })).toBeGreaterThan(expected - 2);
    expect(deltaOf(event, { epsilon: expected })).toBeLessThanOrEqual(total);
    expect(deltaOf(event, { epsilon: expected - 2 })).toBeGreaterThan(total);
  });

  it('A28: (1, 0) thirty times is 30 at δ → 0; (1, .01) thirty times has no ε at .26', () => {
    expect(theoremEpsilon(1, 0, 30, 0)).toBe(30);
    const pure = epsilonOf(queries(1, 0, 30), { delta: 1e-13 });
    expect(pure).toBeLessThanOrEqual(30 + 1e-9);
    expect(pure).toBeGreaterThan(28);
    expect(theoremEpsilon(1, 0.01, 30, 0.26)).toBeNull();
    expect(epsilonOf(queries(1, 0.01, 30), { delta: 0.26 })).toBe(Infinity);
    expect(epsilonOf(queries(1, 0.01, 30), { delta: 0.27 })).toBeLessThan(Infinity);
  });

  it.each([
    [5, 0.01, 50, 0, 0.25],
    [22, 0.06, 30, 0.001, 1],
  ])('A29: (%d, %d) over %i queries of δ %d: ε %d each', (total, delta, count, each, expected) => {
    expect(theoremEpsilon(expected, each, count, delta)).toBe(total);
    expect(theoremEpsilon(expected + 1e-6, each, count, delta)).toBeGreaterThan(total);
    // Between the points there is a little more to be had, never less.
    const x = calibrate(
      (inverse) => queries(1 / inverse, each, count),
      { epsilon: total, delta, adjacency: 'add-or-remove-one' },
      1e-5,
    );
    expect(1 / x).toBeGreaterThan(expected - 1e-4);
    expect(1 / x).toBeLessThan(1.1 * expected);
  });
});
