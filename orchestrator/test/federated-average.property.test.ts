import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  applyStep,
  createUpdateSum,
  divideHalfEven,
  meanUpdate,
  PARAMETER_MAGNITUDE_MAX,
  replayAggregation,
  WEIGHT_TOTAL_MAX,
} from '../src/aggregation/federated-average.js';

/** The rule in unbounded integers, written another way: twice the numerator against the denominator. */
function oracle(numerator: bigint, denominator: bigint): bigint {
  const sign = numerator < 0n ? -1n : 1n;
  const magnitude = numerator * sign;
  const floor = magnitude / denominator;
  const rest = 2n * (magnitude % denominator);
  const up = rest > denominator || (rest === denominator && floor % 2n === 1n);
  return sign * (floor + (up ? 1n : 0n));
}

const int32 = fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 });

describe('divideHalfEven', () => {
  it.each([
    [5, 2, 2],
    [7, 2, 4],
    [-5, 2, -2],
    [-7, 2, -4],
    [1, 3, 0],
    [2, 3, 1],
    [-1, 2, 0],
    [0, 7, 0],
    [9_007_199_254_740_991, 2, 4_503_599_627_370_496],
    [9_007_199_254_740_991, 3, 3_002_399_751_580_330],
    [-9_007_199_254_740_990, 11, -818_836_295_885_545],
  ])('%d / %d is %d', (numerator, denominator, quotient) => {
    expect(divideHalfEven(numerator, denominator)).toBe(quotient);
    expect(divideHalfEven(BigInt(numerator), denominator)).toBe(quotient);
  });

  it('agrees with unbounded integers up to 2^53', () => {
    fc.assert(
      fc.property(
        fc.maxSafeInteger(),
        fc.integer({ min: 1, max: 2 ** 42 }),
        (numerator, denominator) => {
          const expected = Number(oracle(BigInt(numerator), BigInt(denominator)));
          expect(divideHalfEven(numerator, denominator)).toBe(expected === 0 ? 0 : expected);
        },
      ),
      { numRuns: 20_000, examples: [[-(2 ** 53) + 2, 11]] },
    );
  });

  it('agrees beyond 2^53 on the bigint path', () => {
    fc.assert(
      fc.property(
        fc.bigInt({ min: -(2n ** 72n), max: 2n ** 72n }),
        fc.integer({ min: 2 ** 20, max: 2 ** 42 }),
        (numerator, denominator) => {
          const expected = oracle(numerator, BigInt(denominator));
          expect(BigInt(divideHalfEven(numerator, denominator))).toBe(BigInt(Number(expected)));
        },
      ),
    );
  });
});

describe('replayAggregation', () => {
  const inputs = fc.integer({ min: 1, max: 8 }).chain((length) =>
    fc.record({
      base: fc.array(fc.integer({ min: -(2 ** 23), max: 2 ** 23 }), {
        minLength: length,
        maxLength: length,
      }),
      updates: fc.array(
        fc.array(fc.integer({ min: -(2 ** 22), max: 2 ** 22 }), {
          minLength: length,
          maxLength: length,
        }),
        { minLength: 1, maxLength: 12 },
      ),
      weight: fc.integer({ min: 1, max: 5 }),
      rate: fc.tuple(fc.integer({ min: 1, max: 9 }), fc.integer({ min: 9, max: 40 })),
    }),
  );

  it('is what the formula says, and does not depend on the order of the updates', () => {
    fc.assert(
      fc.property(inputs, fc.nat(), ({ base, updates, weight, rate }, turn) => {
        const arrays = updates.map((update) => Int32Array.from(update));
        const weights = updates.map(() => weight);
        const result = replayAggregation({
          base: Int32Array.from(base),
          updates: arrays,
          weights,
          rate,
        });
        const at = turn % arrays.length;
        const rotated = [...arrays.slice(at), ...arrays.slice(0, at)].reverse();
        expect(
          replayAggregation({ base: Int32Array.from(base), updates: rotated, weights, rate }),
        ).toEqual(result);
        const total = BigInt(weight * updates.length);
        base.forEach((theta, i) => {
          const sum = updates.reduce((s, u) => s + BigInt(weight) * BigInt(u[i]!), 0n);
          const step = oracle(sum * BigInt(rate[0]), total * BigInt(rate[1]));
          expect(BigInt(result[i]!)).toBe(BigInt(theta) + step);
        });
      }),
    );
  });

  it('sums int32 extremes exactly up to the largest total weight', () => {
    fc.assert(
      fc.property(fc.array(int32, { minLength: 4, maxLength: 4 }), (entries) => {
        const total = createUpdateSum(4);
        total.add(Int32Array.from(entries), WEIGHT_TOTAL_MAX);
        entries.forEach((entry, i) => {
          expect(BigInt(total.sum[i]!)).toBe(BigInt(entry) * BigInt(WEIGHT_TOTAL_MAX));
        });
        expect(() => total.add(Int32Array.from(entries), 1)).toThrow(/total of at most/);
      }),
    );
  });

  it('takes the exact path when the scaled sum passes 2^53', () => {
    const total = createUpdateSum(1);
    total.add(Int32Array.of(2 ** 31 - 1), 1_000_003);
    const step = meanUpdate(total, [999_983, 1_000_000]);
    const expected = oracle(BigInt(2 ** 31 - 1) * 1_000_003n * 999_983n, 1_000_003n * 1_000_000n);
    expect(BigInt(step[0]!)).toBe(expected);
  });
});

describe('guards', () => {
  it.each([0, -1, 1.5, Number.NaN, WEIGHT_TOTAL_MAX + 1])('refuses a weight of %d', (weight) => {
    expect(() => createUpdateSum(1).add(Int32Array.of(1), weight)).toThrow(/weight/);
  });

  it('refuses another length, no updates and a bad rate', () => {
    expect(() => createUpdateSum(2).add(Int32Array.of(1), 1)).toThrow(/expected 2 entries/);
    expect(() => meanUpdate(createUpdateSum(1), [1, 1])).toThrow(/at least one/);
    const total = createUpdateSum(1);
    total.add(Int32Array.of(1), 1);
    expect(() => meanUpdate(total, [0, 1])).toThrow(/rate/);
  });

  it('aborts at 16, and never clamps', () => {
    const edge = Int32Array.of(PARAMETER_MAGNITUDE_MAX - 1);
    expect(applyStep(edge, Float64Array.of(0))).toEqual(edge);
    expect(() => applyStep(edge, Float64Array.of(1))).toThrow(/below 16/);
    expect(() => applyStep(Int32Array.of(0), Float64Array.of(Number.NaN))).toThrow(/below 16/);
  });
});
