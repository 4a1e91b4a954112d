/**
 * What the server does with the mean update Δ. All three give the same bits everywhere: integers, or float64 with
 * + − × ÷ √ per coordinate and nothing else, which IEEE 754 rounds in one way only.
 *
 * | rule      | state carried on     | step on θ                                              | source                       |
 * |-----------|----------------------|--------------------------------------------------------|------------------------------|
 * | `fedavg`  | –                    | rate·Δ                                                 | McMahan et al. 2017          |
 * | `fedavgm` | v, d integers        | v ← round(β·v + Δ); rate·v                             | Hsu et al. 2019, eq. 2       |
 * | `fedadam` | m and v, 2d float64  | m ← β₁m + (1−β₁)Δ; v ← β₂v + (1−β₂)Δ²; rate·m/(√v + τ) | Reddi et al. 2021, Algorithm 2 |
 *
 * θ and Δ are in units of 2^-20. FedAdam's rate is in units of a parameter, since m/√v has none; its v starts at τ². Steps
 * are rounded to the nearest integer, ties to even. The state goes with the model: a round that starts from an older
 * model takes up the momentum of that model.
 * @module
 */
import { AggregationError } from '../errors.js';
import {
  applyStep,
  assertRate,
  divideHalfEven,
  meanUpdate,
  type Rate,
  type UpdateSum,
} from './federated-average.js';

/** A number as a quotient of two integers, so that documents hold no floats. */
export type Ratio = readonly [numerator: number, denominator: number];

/** FedAvg is what a federation has that says nothing. */
export type ServerRule =
  | Readonly<{ rule: 'fedavg' }>
  | Readonly<{
      rule: 'fedavgm';
      /** β in [0, 1) */
      momentum: Ratio;
    }>
  | Readonly<{
      rule: 'fedadam';
      /** β₁ in [0, 1) */
      firstMoment: Ratio;
      /** β₂ in [0, 1) */
      secondMoment: Ratio;
      /** τ > 0, in units of a parameter: the larger, the less adaptive. */
      adaptivity: Ratio;
    }>;

export type ServerOptimiser = ServerRule & Readonly<{ rate: Rate }>;

const SCALE = 2 ** 20;
const RATIO_PART_MAX = 1_000_000_000;

/** @throws {AggregationError} `ERR_AGGREGATE_RATE` naming the number that is out of range */
export function assertOptimiser(optimiser: ServerOptimiser): void {
  assertRate(optimiser.rate);
  if (optimiser.rule === 'fedavgm') assertDecay('momentum', optimiser.momentum);
  if (optimiser.rule === 'fedadam') {
    assertDecay('firstMoment', optimiser.firstMoment);
    assertDecay('secondMoment', optimiser.secondMoment);
    assertRatio('adaptivity', optimiser.adaptivity);
    if (optimiser.adaptivity[0] === 0) throw outOfRange('adaptivity', optimiser.adaptivity);
  }
}

function assertDecay(name: string, ratio: Ratio): void {
  assertRatio(name, ratio);
  if (ratio[0] >= ratio[1]) throw outOfRange(name, ratio);
}

function assertRatio(name: string, [numerator, denominator]: Ratio): void {
  const right =
    Number.isSafeInteger(numerator) &&
    Number.isSafeInteger(denominator) &&
    numerator >= 0 &&
    denominator >= 1 &&
    numerator <= RATIO_PART_MAX &&
    denominator <= RATIO_PART_MAX;
  if (!right) throw outOfRange(name, [numerator, denominator]);
}

function outOfRange(name: string, ratio: Ratio): AggregationError {
  const expected = name === 'adaptivity' ? 'a positive quotient' : 'a quotient in [0, 1)';
  return new AggregationError(
    'ERR_AGGREGATE_RATE',
    `${name}: expected ${expected} of integers up to ${RATIO_PART_MAX}, got ${ratio.join('/')}`,
    { name },
  );
}

/** The new model and what the next round carries on, or null for FedAvg. */
export interface OptimisedModel {
  readonly parameters: Int32Array;
  readonly state: Float64Array | null;
}

/**
 * @param o.base - θ, `[parameterCount]`, units of 2^-20
 * @param o.total - the weighted sum of the accepted updates
 * @param o.state - what the model was left with by the same rule, or null to start afresh
 * @throws {AggregationError} `ERR_AGGREGATE_EMPTY`, `ERR_AGGREGATE_RATE`, `ERR_AGGREGATE_STATE`, `ERR_MODEL_RANGE`
 */
export function optimise(
  o: Readonly<{
    optimiser: ServerOptimiser;
    base: Int32Array;
    total: UpdateSum;
    state: Float64Array | null;
  }>,
): OptimisedModel {
  const { optimiser, base, total, state } = o;
  assertOptimiser(optimiser);
  switch (optimiser.rule) {
    case 'fedavg':
      return { parameters: applyStep(base, meanUpdate(total, optimiser.rate)), state: null };
    case 'fedavgm':
      return withMomentum(base, total, optimiser, state ?? new Float64Array(base.length));
    case 'fedadam':
      return adaptive(base, total, optimiser, state ?? freshMoments(base.length, optimiser));
  }
}

function withMomentum(
  base: Int32Array,
  total: UpdateSum,
  { momentum, rate }: Extract<ServerOptimiser, { rule: 'fedavgm' }>,
  before: Float64Array,
): OptimisedModel {
  assertLength(before, base.length);
  assertNotEmpty(total);
  const [numerator, denominator] = momentum;
  const weight = BigInt(total.weightTotal);
  const divisor = BigInt(denominator) * weight;
  const state = new Float64Array(base.length);
  const step = new Float64Array(base.length);
  for (let i = 0; i < base.length; i++) {
    // β·v + S/W over one denominator, so that only one rounding happens.
    const exact =
      BigInt(numerator) * weight * BigInt(before[i]!) + BigInt(denominator) * BigInt(total.sum[i]!);
    state[i] = divideHalfEven(exact, divisor);
    step[i] = divideHalfEven(BigInt(state[i]!) * BigInt(rate[0]), rate[1]);
  }
  return { parameters: applyStep(base, step), state };
}

function adaptive(
  base: Int32Array,
  total: UpdateSum,
  optimiser: Extract<ServerOptimiser, { rule: 'fedadam' }>,
  before: Float64Array,
): OptimisedModel {
  const count = base.length;
  assertLength(before, 2 * count);
  assertNotEmpty(total);
  const first = quotient(optimiser.firstMoment);
  const firstRest = rest(optimiser.firstMoment);
  const second = quotient(optimiser.secondMoment);
  const secondRest = rest(optimiser.secondMoment);
  const adaptivity = quotient(optimiser.adaptivity) * SCALE;
  const rate = quotient(optimiser.rate) * SCALE;
  const state = new Float64Array(2 * count);
  const step = new Float64Array(count);
  for (let i = 0; i < count; i++) {
    const mean = total.sum[i]! / total.weightTotal;
    const m = first * before[i]! + firstRest * mean;
    const v = second * before[count + i]! + secondRest * (mean * mean);
    state[i] = m;
    state[count + i] = v;
    step[i] = roundHalfEven((rate * m) / (Math.sqrt(v) + adaptivity));
  }
  return { parameters: applyStep(base, step), state };
}

function freshMoments(
  count: number,
  { adaptivity }: Extract<ServerOptimiser, { rule: 'fedadam' }>,
): Float64Array {
  const tau = quotient(adaptivity) * SCALE;
  return new Float64Array(2 * count).fill(tau * tau, count);
}

function quotient([numerator, denominator]: Ratio): number {
  return numerator / denominator;
}

/** 1 − β from the integers, not from the rounded quotient. */
function rest([numerator, denominator]: Ratio): number {
  return (denominator - numerator) / denominator;
}

/** Nearest integer, ties to the even one; exact for every float64. */
function roundHalfEven(value: number): number {
  const floor = Math.floor(value);
  const fraction = value - floor;
  if (fraction === 0.5) return floor % 2 === 0 ? floor : floor + 1;
  return fraction < 0.5 ? floor : floor + 1;
}

function assertLength(state: Float64Array, expected: number): void {
  if (state.length !== expected) {
    throw new AggregationError(
      'ERR_AGGREGATE_STATE',
      `optimiser state: expected ${expected} numbers, got ${state.length}`,
      { expected, got: state.length },
    );
  }
}

function assertNotEmpty(total: UpdateSum): void {
  if (total.weightTotal === 0) {
    throw new AggregationError('ERR_AGGREGATE_EMPTY', 'updates: expected at least one, got none');
  }
}

const TAGS: Readonly<Record<ServerRule['rule'], string>> = {
  fedavg: '',
  fedavgm: 'fedavgm1',
  fedadam: 'fedadam1',
};

/** Canonical bytes: eight letters that name the rule, then float64 little-endian. */
export function encodeOptimiserState(rule: ServerRule['rule'], state: Float64Array): Uint8Array {
  const bytes = new Uint8Array(8 + 8 * state.length);
  bytes.set(new TextEncoder().encode(TAGS[rule]));
  const view = new DataView(bytes.buffer);
  state.forEach((value, index) => {
    view.setFloat64(8 + 8 * index, value, true);
  });
  return bytes;
}

/**
 * The numbers of a state that the same rule left, or null if another rule left it: then the rule starts afresh.
 * @throws {AggregationError} `ERR_AGGREGATE_STATE` for bytes that are not whole or not finite
 */
export function decodeOptimiserState(
  rule: ServerRule['rule'],
  bytes: Uint8Array,
): Float64Array | null {
  const tag = new TextDecoder().decode(bytes.subarray(0, 8));
  if (rule === 'fedavg' || tag !== TAGS[rule]) return null;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const state = new Float64Array((bytes.length - 8) / 8);
  for (let i = 0; i < state.length; i++) state[i] = view.getFloat64(8 + 8 * i, true);
  if (bytes.length % 8 !== 0 || !state.every(Number.isFinite)) {
    throw new AggregationError('ERR_AGGREGATE_STATE', 'optimiser state: not whole or not finite');
  }
  return state;
}
