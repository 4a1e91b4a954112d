/**
 * Federated averaging in integers, so that the result depends on the set of updates and on nothing else.
 *
 * For updates uₖ and base θ, both int32 in units of 2^-20, public weights wₖ, W = Σ wₖ and server rate a/b:
 *
 *     Sᵢ  = Σₖ wₖ·uₖᵢ                              exact in float64, since W·2³¹ ≤ 2⁵²
 *     θ'ᵢ = θᵢ + roundHalfEven(Sᵢ·a / (W·b))
 *
 * Source: McMahan et al. 2017, "Communication-Efficient Learning of Deep Networks from Decentralized Data",
 * Algorithm 1 (arXiv:1602.05629), with weights that do not depend on the data.
 * @module
 */
import { AggregationError } from '../errors.js';

/** Server rate a/b, positive integers. */
export type Rate = readonly [numerator: number, denominator: number];

/** 2²¹: with it the sum of weighted int32 values stays within 2⁵². */
export const WEIGHT_TOTAL_MAX: number = 2 ** 21;

/** |θ| < 16 in units of 2^-20: below it float32 holds every grid point exactly. */
export const PARAMETER_MAGNITUDE_MAX: number = 16 * 2 ** 20;

const RATE_PART_MAX = 1_000_000;

/** Adds updates one by one; memory is one float64 per parameter, however many updates come. */
export interface UpdateSum {
  /** @throws {AggregationError} `ERR_AGGREGATE_WEIGHT`, `ERR_AGGREGATE_LENGTH` */
  add(update: Int32Array, weight: number): void;
  /** Σ wₖ so far. */
  readonly weightTotal: number;
  /** Sᵢ, exact integers. */
  readonly sum: Float64Array;
}

export function createUpdateSum(parameterCount: number): UpdateSum {
  const sum = new Float64Array(parameterCount);
  let weightTotal = 0;
  return {
    sum,
    get weightTotal(): number {
      return weightTotal;
    },
    add(update, weight) {
      if (!Number.isSafeInteger(weight) || weight < 1 || weightTotal + weight > WEIGHT_TOTAL_MAX) {
        throw new AggregationError(
          'ERR_AGGREGATE_WEIGHT',
          `weight: expected a positive integer with a total of at most ${WEIGHT_TOTAL_MAX}, got ${weight}`,
          { weight, weightTotal },
        );
      }
      if (update.length !== parameterCount) {
        throw new AggregationError(
          'ERR_AGGREGATE_LENGTH',
          `update: expected ${parameterCount} entries, got ${update.length}`,
          { expected: parameterCount, got: update.length },
        );
      }
      weightTotal += weight;
      for (let i = 0; i < parameterCount; i++) sum[i]! += weight * update[i]!;
    },
  };
}

/**
 * The quotient rounded to the nearest integer, ties to the even one; exact for every safe integer and beyond.
 *
 * Worked: 5/2 → 2, 7/2 → 4, −5/2 → −2, 1/3 → 0, 2/3 → 1.
 * @param numerator - an integer of magnitude below 2⁵³, or a bigint
 * @param denominator - a positive integer, below 2⁵² unless it is a bigint
 */
export function divideHalfEven(numerator: number | bigint, denominator: number | bigint): number {
  if (typeof numerator === 'bigint' || typeof denominator === 'bigint') {
    if (typeof numerator === 'number') return divideHalfEven(BigInt(numerator), denominator);
    const d = BigInt(denominator);
    let quotient = numerator / d;
    let remainder = numerator % d;
    if (remainder < 0n) {
      quotient -= 1n;
      remainder += d;
    }
    const twice = 2n * remainder;
    if (twice > d || (twice === d && (quotient & 1n) === 1n)) quotient += 1n;
    return Number(quotient);
  }
  // The remainder of two integers is exact in float64, and so is the quotient of what it leaves; a
  // rounded quotient times the denominator would not be, near 2⁵³.
  const magnitude = Math.abs(numerator);
  const remainder = magnitude % denominator;
  let quotient = (magnitude - remainder) / denominator;
  const rest = denominator - remainder;
  if (remainder > rest || (remainder === rest && quotient % 2 !== 0)) quotient += 1;
  return numerator < 0 && quotient > 0 ? -quotient : quotient;
}

/** Sᵢ·a for one coordinate, as a number where that is exact. */
function scaled(sum: number, factor: number): number | bigint {
  const product = sum * factor;
  return Math.abs(product) <= Number.MAX_SAFE_INTEGER ? product : BigInt(sum) * BigInt(factor);
}

export function assertRate(rate: Rate): void {
  for (const part of rate) {
    if (!Number.isSafeInteger(part) || part < 1 || part > RATE_PART_MAX) {
      throw new AggregationError(
        'ERR_AGGREGATE_RATE',
        `rate: expected two integers in [1, ${RATE_PART_MAX}], got ${rate.join('/')}`,
      );
    }
  }
}

/** Rounded mean update times the server rate, per parameter; the step that a server optimiser starts from. */
export function meanUpdate(total: UpdateSum, rate: Rate): Float64Array {
  assertRate(rate);
  if (total.weightTotal === 0) {
    throw new AggregationError('ERR_AGGREGATE_EMPTY', 'updates: expected at least one, got none');
  }
  const denominator = total.weightTotal * rate[1];
  return total.sum.map((each) => divideHalfEven(scaled(each, rate[0]), denominator));
}

/**
 * θ' = θ + step.
 * @throws {AggregationError} `ERR_MODEL_RANGE` if a parameter would leave (−16, 16); it is never clamped
 */
export function applyStep(base: Int32Array, step: Float64Array): Int32Array {
  const result = new Int32Array(base.length);
  for (let i = 0; i < base.length; i++) {
    const value = base[i]! + step[i]!;
    if (!(Math.abs(value) < PARAMETER_MAGNITUDE_MAX)) {
      throw new AggregationError(
        'ERR_MODEL_RANGE',
        `parameter ${i}: expected a magnitude below 16, got ${value / 2 ** 20}`,
        { index: i },
      );
    }
    result[i] = value;
  }
  return result;
}

/**
 * Recomputes a round from what it was made of.
 * @param base - θ, `[parameterCount]`, units of 2^-20
 * @param updates - uₖ, each `[parameterCount]`, in any order
 * @param weights - wₖ in the same order
 * @throws {AggregationError} `ERR_AGGREGATE_LENGTH`, `ERR_AGGREGATE_WEIGHT`, `ERR_AGGREGATE_EMPTY`,
 *   `ERR_AGGREGATE_RATE`, `ERR_MODEL_RANGE`
 */
export function replayAggregation(
  o: Readonly<{
    base: Int32Array;
    updates: readonly Int32Array[];
    weights: readonly number[];
    rate: Rate;
  }>,
): Int32Array {
  if (o.weights.length !== o.updates.length) {
    throw new AggregationError(
      'ERR_AGGREGATE_LENGTH',
      `weights: expected ${o.updates.length}, got ${o.weights.length}`,
    );
  }
  const total = createUpdateSum(o.base.length);
  o.updates.forEach((update, index) => total.add(update, o.weights[index]!));
  return applyStep(o.base, meanUpdate(total, o.rate));
}
