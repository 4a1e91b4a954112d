/** Server optimisers: exact laws, worked numbers, and states that travel. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  createUpdateSum,
  replayAggregation,
  type UpdateSum,
} from '../src/aggregation/federated-average.js';
import {
  decodeOptimiserState,
  encodeOptimiserState,
  optimise,
  type ServerOptimiser,
} from '../src/aggregation/server-optimiser.js';

const MOMENTUM: ServerOptimiser = { rule: 'fedavgm', rate: [1, 1], momentum: [9, 10] };
const ADAM: ServerOptimiser = {
  rule: 'fedadam',
  rate: [1, 100],
  firstMoment: [9, 10],
  secondMoment: [99, 100],
  adaptivity: [1, 1_000],
};

function totalOf(updates: readonly (readonly number[])[], weight = 1): UpdateSum {
  const total = createUpdateSum(updates[0]!.length);
  for (const update of updates) total.add(Int32Array.from(update), weight);
  return total;
}

const vector = fc.array(fc.integer({ min: -50_000, max: 50_000 }), { minLength: 4, maxLength: 4 });

describe('FedAvg', () => {
  it('is the average that members replay', () => {
    fc.assert(
      fc.property(vector, fc.array(vector, { minLength: 1, maxLength: 6 }), (base, updates) => {
        const { parameters, state } = optimise({
          optimiser: { rule: 'fedavg', rate: [2, 3] },
          base: Int32Array.from(base),
          total: totalOf(updates),
          state: null,
        });
        expect(state).toBeNull();
        expect(parameters).toEqual(
          replayAggregation({
            base: Int32Array.from(base),
            updates: updates.map((each) => Int32Array.from(each)),
            weights: updates.map(() => 1),
            rate: [2, 3],
          }),
        );
      }),
    );
  });
});

describe('FedAvgM', () => {
  it('adds nine tenths of the step before: worked by hand over three rounds', () => {
    let base: Int32Array = Int32Array.of(0);
    let state: Float64Array | null = null;
    const seen: number[][] = [];
    // Δ = 10, 0, −5: v = 10, 9, round(8.1 − 5) = 3.
    for (const delta of [10, 0, -5]) {
      const next = optimise({ optimiser: MOMENTUM, base, total: totalOf([[delta]]), state });
      base = next.parameters;
      state = next.state;
      seen.push([base[0]!, state![0]!]);
    }
    expect(seen).toEqual([
      [10, 10],
      [19, 9],
      [22, 3],
    ]);
  });

  it('without momentum is FedAvg', () => {
    fc.assert(
      fc.property(vector, fc.array(vector, { minLength: 1, maxLength: 6 }), (base, updates) => {
        const facts = { base: Int32Array.from(base), total: totalOf(updates), state: null };
        const still = { rule: 'fedavgm', rate: [1, 1], momentum: [0, 1] } as const;
        expect(optimise({ ...facts, optimiser: still }).parameters).toEqual(
          optimise({ ...facts, optimiser: { rule: 'fedavg', rate: [1, 1] } }).parameters,
        );
      }),
    );
  });

  it('rounds β·v + Δ once, to the nearest integer', () => {
    const entry = fc.integer({ min: -(2 ** 31) + 1, max: 2 ** 31 - 1 });
    fc.assert(
      fc.property(
        entry,
        entry,
        fc.integer({ min: 0, max: 999 }),
        fc.integer({ min: 1, max: 1_000 }),
        (before, update, numerator, weight) => {
          const { state } = optimise({
            optimiser: { rule: 'fedavgm', rate: [1, 1_000_000], momentum: [numerator, 1_000] },
            base: Int32Array.of(0),
            total: totalOf([[update]], weight),
            state: Float64Array.of(before),
          });
          const exact = BigInt(numerator) * BigInt(before) + 1_000n * BigInt(update);
          const error = 1_000n * BigInt(state![0]!) - exact;
          expect(error < 0n ? -error : error).toBeLessThanOrEqual(500n);
        },
      ),
    );
  });
});

describe('FedAdam', () => {
  it('gives the numbers of Reddi et al., Algorithm 2, computed apart', () => {
    // Δ = 0.01: m = 0.001, v = 0.99·10⁻⁶ + 0.01·10⁻⁴ = 1.99·10⁻⁶, step = 0.01·m / (√v + 0.001) = 0.0041483…
    const unit = 2 ** 20;
    const delta = Math.round(0.01 * unit);
    const { parameters, state } = optimise({
      optimiser: ADAM,
      base: Int32Array.of(0),
      total: totalOf([[delta]]),
      state: null,
    });
    const mean = delta / unit;
    const v = 0.99 * 1e-6 + 0.01 * mean ** 2;
    expect(parameters[0]! / unit).toBeCloseTo((0.01 * 0.1 * mean) / (Math.sqrt(v) + 1e-3), 6);
    expect(state![0]! / unit).toBeCloseTo(0.1 * mean, 12);
    expect(state![1]! / unit ** 2).toBeCloseTo(v, 12);
  });

  it('does not depend on the order of the updates, and every round repeats to the bit', () => {
    fc.assert(
      fc.property(
        vector,
        fc.array(fc.array(vector, { minLength: 2, maxLength: 5 }), { minLength: 1, maxLength: 5 }),
        (start, rounds) => {
          const run = (turn: (updates: number[][]) => number[][]): string => {
            let base: Int32Array = Int32Array.from(start);
            let state: Float64Array | null = null;
            for (const updates of rounds) {
              const total = totalOf(turn(updates));
              const next = optimise({ optimiser: ADAM, base, total, state });
              base = next.parameters;
              state = decodeOptimiserState('fedadam', encodeOptimiserState('fedadam', next.state!));
            }
            return `${base.join()} ${Buffer.from(encodeOptimiserState('fedadam', state!)).toString('hex')}`;
          };
          expect(run((updates) => [...updates].reverse())).toBe(run((updates) => updates));
        },
      ),
    );
  });
});

describe('what a rule carries on', () => {
  it('keeps every float64 but NaN and infinity', () => {
    fc.assert(
      fc.property(
        fc.array(fc.double({ noNaN: true, noDefaultInfinity: true }), { maxLength: 8 }),
        (numbers) => {
          const state = Float64Array.from(numbers);
          expect(decodeOptimiserState('fedavgm', encodeOptimiserState('fedavgm', state))).toEqual(
            state,
          );
        },
      ),
    );
    const broken = encodeOptimiserState('fedadam', Float64Array.of(Number.NaN));
    expect(() => decodeOptimiserState('fedadam', broken)).toThrow(/not finite/);
    const short = encodeOptimiserState('fedadam', Float64Array.of(1)).subarray(0, 12);
    expect(() => decodeOptimiserState('fedadam', short)).toThrow(/not whole/);
  });

  it('is not taken up by another rule, nor by a model of another size', () => {
    const bytes = encodeOptimiserState('fedavgm', Float64Array.of(1));
    expect(decodeOptimiserState('fedadam', bytes)).toBeNull();
    expect(() =>
      optimise({
        optimiser: MOMENTUM,
        base: Int32Array.of(0, 0),
        total: totalOf([[1, 1]]),
        state: Float64Array.of(1),
      }),
    ).toThrow(/expected 2 numbers, got 1/);
  });

  it('refuses numbers that make no optimiser, and an empty set', () => {
    const run = (optimiser: ServerOptimiser, total = totalOf([[1]])): (() => unknown) => {
      return () => optimise({ optimiser, base: Int32Array.of(0), total, state: null });
    };
    expect(run({ ...MOMENTUM, momentum: [1, 1] })).toThrow(
      /momentum: expected a quotient in \[0, 1\)/,
    );
    expect(run({ ...ADAM, adaptivity: [0, 1] })).toThrow(/adaptivity: expected a positive/);
    expect(run({ ...ADAM, secondMoment: [-1, 2] })).toThrow(/secondMoment/);
    expect(run({ ...ADAM, rate: [0, 1] })).toThrow(/rate/);
    expect(run(MOMENTUM, createUpdateSum(1))).toThrow(/at least one/);
    expect(run(ADAM, createUpdateSum(1))).toThrow(/at least one/);
  });
});
