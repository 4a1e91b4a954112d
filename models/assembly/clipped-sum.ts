/**
 * From four windows' gradients to their part of an exact integer sum (privacy.md §8.2).
 *
 * Each window: norm in float64, factor min(1, bound / norm), nearest integers, then an exact check in 64-bit integers.
 * A vector that fails is rounded towards zero, which cannot raise its norm; one that still fails, or whose gradient is
 * not finite, contributes zero. No other window's bits take part in any of this.
 */
import * as m from './plan';

export let contributing: i32 = 0;
export let clipped: i32 = 0;
export let nonFinite: i32 = 0;

let sensitivity: i64 = 0;
let target: f64 = 0;
let gridScale: f64 = 0;
/** Windows that the 32-bit lanes can still take. */
let room: i32 = 0;
let roomAtStart: i32 = 0;

/** `units` is D; a clipped gradient aims at `goal`, a little below D, so that rounding seldom fails the check. */
export function beginSum(units: i32, scale: f64, goal: f64): void {
  sensitivity = <i64>units;
  gridScale = scale;
  target = goal;
  contributing = 0;
  clipped = 0;
  nonFinite = 0;
  roomAtStart = i32.MAX_VALUE / units;
  room = roomAtStart;
  memory.fill(m.laneSums, 0, <usize>m.parameterCount << 4);
  memory.fill(m.outputSums, 0, <usize>m.parameterCount << 3);
}

/** Adds the gradients at `gradients`; `count` of the four lanes hold windows. */
export function addHalf(count: i32): void {
  const n = m.parameterCount;
  const end = m.gradients + (<usize>n << 4);
  let low = f64x2.splat(0), high = low;
  for (let g = m.gradients; g < end; g += 16) {
    const v = v128.load(g);
    const a = f64x2.promote_low_f32x4(v);
    const b = f64x2.promote_low_f32x4(v128.shuffle<i32>(v, v, 2, 3, 2, 3));
    low = f64x2.add(low, f64x2.mul(a, a));
    high = f64x2.add(high, f64x2.mul(b, b));
  }
  let near = f32x4.splat(0), down = near;
  let used = i32x4.splat(0);
  for (let lane = 0; lane < count; lane++) {
    const square = lane == 0 ? f64x2.extract_lane(low, 0) : lane == 1 ? f64x2.extract_lane(low, 1)
      : lane == 2 ? f64x2.extract_lane(high, 0) : f64x2.extract_lane(high, 1);
    // False for NaN too.
    if (!(square < Infinity)) {
      nonFinite++;
      continue;
    }
    const norm = sqrt(square) * gridScale;
    const over = norm > target;
    clipped += <i32>over;
    const nearFactor = <f32>(over ? gridScale * (target / norm) : gridScale);
    const downFactor = <f32>(norm > <f64>sensitivity ? gridScale * (<f64>sensitivity / norm) : gridScale);
    near = withLane(near, lane, nearFactor);
    down = withLane(down, lane, downFactor);
    used = withBits(used, lane);
  }
  if (room < 1) flush();
  room--;
  const failed = round(near, used, false);
  if (v128.any_true(failed)) retry(failed, near, down);
  contributing += i32.popcnt(i32x4.bitmask(used));
}

/** Takes the vectors that failed out again, and adds them rounded towards zero, or not at all. */
function retry(failed: v128, near: v128, down: v128): void {
  take(failed, near, false);
  const again = round(down, failed, true);
  if (!v128.any_true(again)) return;
  take(again, down, true);
  contributing -= i32.popcnt(i32x4.bitmask(again));
}

/** Adds the used lanes' integers to the sums and returns, as bits, the lanes that break the bound. */
function round(factor: v128, used: v128, towardsZero: bool): v128 {
  const end = m.gradients + (<usize>m.parameterCount << 4);
  let sum = m.laneSums;
  let low = i64x2.splat(0), high = low;
  let largest = i32x4.splat(0);
  for (let g = m.gradients; g < end; g += 16) {
    const v = v128.and(toGrid(v128.load(g), factor, towardsZero), used);
    largest = i32x4.max_u(largest, i32x4.abs(v));
    low = i64x2.add(low, i64x2.extmul_low_i32x4_s(v, v));
    high = i64x2.add(high, i64x2.extmul_high_i32x4_s(v, v));
    v128.store(sum, i32x4.add(v128.load(sum), v));
    sum += 16;
  }
  // With every entry at most D < 2^22 the sum of squares stays below 2^63, so the comparison is exact.
  const bound = sensitivity * sensitivity;
  let bad = i32x4.splat(0);
  if (!within(i32x4.extract_lane(largest, 0), i64x2.extract_lane(low, 0), bound)) bad = withBits(bad, 0);
  if (!within(i32x4.extract_lane(largest, 1), i64x2.extract_lane(low, 1), bound)) bad = withBits(bad, 1);
  if (!within(i32x4.extract_lane(largest, 2), i64x2.extract_lane(high, 0), bound)) bad = withBits(bad, 2);
  if (!within(i32x4.extract_lane(largest, 3), i64x2.extract_lane(high, 1), bound)) bad = withBits(bad, 3);
  return bad;
}

function within(largest: i32, square: i64, bound: i64): bool {
  return largest >= 0 && <i64>largest <= sensitivity && square <= bound;
}

/** Subtracts lanes that `round` has added. 32-bit sums wrap, so adding and subtracting is exact whatever came between. */
function take(lanes: v128, factor: v128, towardsZero: bool): void {
  const end = m.gradients + (<usize>m.parameterCount << 4);
  let sum = m.laneSums;
  for (let g = m.gradients; g < end; g += 16) {
    const v = v128.and(toGrid(v128.load(g), factor, towardsZero), lanes);
    v128.store(sum, i32x4.sub(v128.load(sum), v));
    sum += 16;
  }
}

// @ts-ignore: decorator
@inline
function toGrid(g: v128, factor: v128, towardsZero: bool): v128 {
  const x = f32x4.mul(g, factor);
  return i32x4.trunc_sat_f32x4_s(towardsZero ? x : f32x4.nearest(x));
}

/** Moves the lanes' sums into the exact float64 sums. */
export function flush(): void {
  const end = m.laneSums + (<usize>m.parameterCount << 4);
  let out = m.outputSums;
  for (let sum = m.laneSums; sum < end; sum += 16) {
    const total = <i64>load<i32>(sum) + <i64>load<i32>(sum, 4) + <i64>load<i32>(sum, 8) + <i64>load<i32>(sum, 12);
    store<f64>(out, load<f64>(out) + <f64>total);
    out += 8;
  }
  memory.fill(m.laneSums, 0, <usize>m.parameterCount << 4);
  room = roomAtStart;
}

function withLane(v: v128, lane: i32, x: f32): v128 {
  if (lane == 0) return f32x4.replace_lane(v, 0, x);
  if (lane == 1) return f32x4.replace_lane(v, 1, x);
  if (lane == 2) return f32x4.replace_lane(v, 2, x);
  return f32x4.replace_lane(v, 3, x);
}

function withBits(v: v128, lane: i32): v128 {
  if (lane == 0) return i32x4.replace_lane(v, 0, -1);
  if (lane == 1) return i32x4.replace_lane(v, 1, -1);
  if (lane == 2) return i32x4.replace_lane(v, 2, -1);
  return i32x4.replace_lane(v, 3, -1);
}
