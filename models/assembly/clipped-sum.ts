/**
 * From four windows' gradients to their part of an exact integer sum (privacy.md §8.2).
 *
 * Each window: norm in float64, factor min(1, bound / norm), nearest integers, then an exact check in 64-bit integers.
 * A vector that fails is rounded towards zero, which cannot raise its norm; one that still fails, or whose gradient is
 * not finite, contributes zero. No other window's bits take part in any of this.
 */
import * as m from './plan';
import { padded } from './plan';

export let contributing: i32 = 0;
export let clipped: i32 = 0;
export let nonFinite: i32 = 0;

let sensitivity: i64 = 0;
let target: f64 = 0;
let gridScale: f64 = 0;
/** Half blocks that the 32-bit sums can still take. */
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
  roomAtStart = i32.MAX_VALUE / units >> 2;
  room = roomAtStart;
  memory.fill(m.sums, 0, <usize>padded(m.parameterCount) << 2);
  clearTail();
  memory.fill(m.outputSums, 0, <usize>m.parameterCount << 3);
}

/** Adds the gradients at `gradients`; `count` of the four lanes hold windows. */
export function addHalf(count: i32): void {
  const n = m.parameterCount;
  // Four squares at a time in float32, then float64: the factor need not be exact, since the check below is. A gradient
  // whose squares leave float32 counts as not finite.
  const end = m.gradients + (<usize>n << 4);
  let low = f64x2.splat(0), high = low;
  for (let g = m.gradients; g < end; g += 64) {
    const a = v128.load(g), b = v128.load(g, 16), c = v128.load(g, 32), d = v128.load(g, 48);
    const four = f32x4.add(f32x4.add(f32x4.mul(a, a), f32x4.mul(b, b)), f32x4.add(f32x4.mul(c, c), f32x4.mul(d, d)));
    low = f64x2.add(low, f64x2.promote_low_f32x4(four));
    high = f64x2.add(high, f64x2.promote_low_f32x4(v128.shuffle<i32>(four, four, 2, 3, 2, 3)));
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

/**
 * Adds the used lanes' integers to the sums and returns, as bits, the lanes that break the bound. The norm before rounding
 * is about D < 2^22 at most, so the sum of squares stays far below 2^63 and the comparison is exact; where it holds, every
 * entry is at most D.
 */
function round(factor: v128, used: v128, towardsZero: bool): v128 {
  const end = m.gradients + (<usize>m.parameterCount << 4);
  let sum = m.sums;
  let low = i64x2.splat(0), high = low;
  for (let g = m.gradients; g < end; g += 64) {
    const a = v128.and(toGrid(v128.load(g), factor, towardsZero), used);
    const b = v128.and(toGrid(v128.load(g, 16), factor, towardsZero), used);
    const c = v128.and(toGrid(v128.load(g, 32), factor, towardsZero), used);
    const d = v128.and(toGrid(v128.load(g, 48), factor, towardsZero), used);
    low = i64x2.add(low, i64x2.add(
      i64x2.add(i64x2.extmul_low_i32x4_s(a, a), i64x2.extmul_low_i32x4_s(b, b)),
      i64x2.add(i64x2.extmul_low_i32x4_s(c, c), i64x2.extmul_low_i32x4_s(d, d)),
    ));
    high = i64x2.add(high, i64x2.add(
      i64x2.add(i64x2.extmul_high_i32x4_s(a, a), i64x2.extmul_high_i32x4_s(b, b)),
      i64x2.add(i64x2.extmul_high_i32x4_s(c, c), i64x2.extmul_high_i32x4_s(d, d)),
    ));
    v128.store(sum, i32x4.add(v128.load(sum), overLanes(a, b, c, d)));
    sum += 16;
  }
  const bound = sensitivity * sensitivity;
  let bad = i32x4.splat(0);
  if (i64x2.extract_lane(low, 0) > bound) bad = withBits(bad, 0);
  if (i64x2.extract_lane(low, 1) > bound) bad = withBits(bad, 1);
  if (i64x2.extract_lane(high, 0) > bound) bad = withBits(bad, 2);
  if (i64x2.extract_lane(high, 1) > bound) bad = withBits(bad, 3);
  return bad;
}

/** Subtracts lanes that `round` has added. 32-bit sums wrap, so adding and subtracting is exact whatever came between. */
function take(lanes: v128, factor: v128, towardsZero: bool): void {
  const end = m.gradients + (<usize>m.parameterCount << 4);
  let sum = m.sums;
  for (let g = m.gradients; g < end; g += 64) {
    const a = v128.and(toGrid(v128.load(g), factor, towardsZero), lanes);
    const b = v128.and(toGrid(v128.load(g, 16), factor, towardsZero), lanes);
    const c = v128.and(toGrid(v128.load(g, 32), factor, towardsZero), lanes);
    const d = v128.and(toGrid(v128.load(g, 48), factor, towardsZero), lanes);
    v128.store(sum, i32x4.sub(v128.load(sum), overLanes(a, b, c, d)));
    sum += 16;
  }
}

/** The sums of the lanes of four vectors. */
// @ts-ignore: decorator
@inline
function overLanes(a: v128, b: v128, c: v128, d: v128): v128 {
  const ab = i32x4.add(v128.shuffle<i32>(a, b, 0, 4, 1, 5), v128.shuffle<i32>(a, b, 2, 6, 3, 7));
  const cd = i32x4.add(v128.shuffle<i32>(c, d, 0, 4, 1, 5), v128.shuffle<i32>(c, d, 2, 6, 3, 7));
  return i32x4.add(v128.shuffle<i32>(ab, cd, 0, 1, 4, 5), v128.shuffle<i32>(ab, cd, 2, 3, 6, 7));
}

/** Gradients are read four at a time: those past the last one are zero. */
function clearTail(): void {
  for (let i = m.parameterCount; i < padded(m.parameterCount); i++) {
    v128.store(m.gradients + (<usize>i << 4), i32x4.splat(0));
  }
}

// @ts-ignore: decorator
@inline
function toGrid(g: v128, factor: v128, towardsZero: bool): v128 {
  const x = f32x4.mul(g, factor);
  if (towardsZero) return i32x4.trunc_sat_f32x4_s(x);
  // |x| < 2^22: adding 1.5 · 2^23 rounds to nearest, ties to even, and leaves the integer in the low bits.
  return i32x4.sub(f32x4.add(x, f32x4.splat(12582912)), i32x4.splat(0x4b400000));
}

/** Moves the 32-bit sums into the exact float64 sums. */
export function flush(): void {
  let out = m.outputSums;
  const end = m.sums + (<usize>m.parameterCount << 2);
  for (let sum = m.sums; sum < end; sum += 4) {
    store<f64>(out, load<f64>(out) + <f64>load<i32>(sum));
    store<i32>(sum, 0);
    out += 8;
  }
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
