import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { composeGrids } from '../src/accounting/compose-grids.js';
import {
  deltaAt,
  dominatedGrid,
  dominatingGrid,
  epsilonAt,
  type LossGrid,
} from '../src/accounting/loss-grid.js';
import { addPair, removePair } from '../src/accounting/loss-pair.js';
import { inverseTransform, multiply, raise, transform } from '../src/numerics/fft.js';

const STEP = 0.01;

function gridOf(first: number, masses: readonly number[], infinity = 0): LossGrid {
  const total = masses.reduce((sum, mass) => sum + mass, 0);
  return {
    step: STEP,
    first,
    masses: Float64Array.from(masses, (mass) => (mass / total) * (1 - infinity)),
    infinity,
    aliasing: 0,
    shift: 0,
    roundOff: 0,
  };
}

/** Masses of the sum by plain convolution, by index. */
function convolved(parts: readonly { grid: LossGrid; count: number }[]): Map<number, number> {
  let sum = new Map([[0, 1]]);
  for (const { grid, count } of parts) {
    for (let t = 0; t < count; t++) {
      const next = new Map<number, number>();
      for (const [index, mass] of sum) {
        grid.masses.forEach((more, i) => {
          const at = index + grid.first + i;
          next.set(at, (next.get(at) ?? 0) + mass * more);
        });
      }
      sum = next;
    }
  }
  return sum;
}

describe('composition', () => {
  const grid = fc
    .tuple(
      fc.integer({ min: -20, max: 5 }),
      fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { minLength: 1, maxLength: 25 }),
      fc.double({ min: 0, max: 0.01, noNaN: true }),
    )
    .filter(([, masses]) => masses.some((mass) => mass > 1e-3))
    .map(([first, masses, infinity]) => gridOf(first, masses, infinity));
  const part = fc.record({ grid, count: fc.integer({ min: 1, max: 6 }) });

  it('equals plain convolution, within the bounds that it states (property)', () => {
    fc.assert(
      fc.property(fc.array(part, { minLength: 1, maxLength: 3 }), (parts) => {
        const tail = 1e-9;
        const composed = composeGrids(parts, tail);
        const truth = convolved(parts);
        let inside = 0;
        let outside = 0;
        for (const [index, mass] of truth) {
          const found = composed.masses[index - composed.first];
          if (found === undefined) outside += mass;
          else inside += Math.abs(found - mass);
        }
        expect(outside).toBeLessThanOrEqual(2 * tail);
        // What was cut off comes back inside of the window, at worst all of it.
        expect(inside).toBeLessThanOrEqual(composed.roundOff + outside + 1e-15);
        const finite = parts.reduce(
          (log, { grid: g, count }) => log + count * Math.log1p(-g.infinity),
          0,
        );
        expect(composed.infinity).toBeCloseTo(-Math.expm1(finite), 14);
      }),
      { numRuns: 200 },
    );
  });

  it('the bound on round-off is not idle: it is above the error, and within four orders of it', () => {
    const one = dominatingGrid(removePair({ shifts: [0, 1 / 3], weights: [0.8, 0.2] }), STEP, -30);
    const composed = composeGrids([{ grid: one, count: 8 }], 1e-14);
    let error = 0;
    for (const [index, mass] of convolved([{ grid: one, count: 8 }])) {
      error += Math.abs((composed.masses[index - composed.first] ?? mass) - mass);
    }
    const bound = composed.roundOff - 8 * one.roundOff;
    expect(error).toBeGreaterThan(0);
    expect(error).toBeLessThanOrEqual(bound);
    expect(bound).toBeLessThan(1e4 * error);
  });

  it('the optimistic grid lies below the pessimistic one, at every ε and after composition (property)', () => {
    fc.assert(
      fc.property(
        fc.double({ min: 0.01, max: 0.99, noNaN: true }),
        fc.double({ min: 0.5, max: 8, noNaN: true }),
        fc.integer({ min: 1, max: 20 }),
        (q, s, count) => {
          const mixture = { shifts: [0, 1 / s], weights: [1 - q, q] };
          for (const pair of [removePair(mixture), addPair(mixture)]) {
            const compose = (make: typeof dominatingGrid): LossGrid =>
              composeGrids([{ grid: make(pair, 0.005, -32), count }], 1e-12);
            const [high, low] = [compose(dominatingGrid), compose(dominatedGrid)];
            for (const epsilon of [0, 0.1, 0.5, 2]) {
              expect(deltaAt(low, epsilon + low.shift)).toBeLessThanOrEqual(
                deltaAt(high, epsilon) + 2 * (high.aliasing + high.roundOff),
              );
            }
          }
        },
      ),
      { numRuns: 40 },
    );
  });

  it('ε and δ of a grid are inverses (property)', () => {
    fc.assert(
      fc.property(grid, fc.double({ min: 0.001, max: 0.2, noNaN: true }), (one, share) => {
        // A δ between the mass at infinity and the largest possible one.
        const delta = one.infinity + share * Math.max(0, deltaAt(one, 0) - one.infinity);
        const epsilon = epsilonAt(one, delta);
        expect(deltaAt(one, epsilon)).toBeLessThanOrEqual(delta + 1e-12);
        if (epsilon > 1e-9)
          expect(deltaAt(one, epsilon - 1e-9)).toBeGreaterThanOrEqual(delta - 1e-9);
      }),
    );
  });
});

describe('transform', () => {
  it('multiplies modulo x^N + 1: what wraps comes back with its sign turned', () => {
    const x = new Float64Array(8);
    x[5] = 1;
    const spectrum = transform(x, 8);
    raise(spectrum, 3); // x^15 = x^8 · x^7 = −x^7
    const values = inverseTransform(spectrum);
    values.forEach((value, i) => expect(value).toBeCloseTo(i === 7 ? -1 : 0, 14));
  });

  it('folds inputs that are longer than N', () => {
    const values = inverseTransform(transform(Float64Array.of(1, 2, 3, 4, 10, 20, 30), 4));
    [1 - 10, 2 - 20, 3 - 30, 4].forEach((due, i) => expect(values[i]).toBeCloseTo(due, 13));
  });

  it('a power is a repeated product', () => {
    const input = Float64Array.from({ length: 64 }, (_, i) => Math.sin(i) / 64);
    const power = transform(input, 256);
    raise(power, 5);
    const product = transform(input, 256);
    for (let i = 1; i < 5; i++) multiply(product, transform(input, 256));
    power.re.forEach((value, k) => expect(value).toBeCloseTo(product.re[k]!, 13));
  });
});
