/**
 * Four windows' gradients on the integer grid, added to an exact sum (privacy.md §8.2). The caller chooses the factors,
 * compares the exact squared norms with the bound, and takes out again what breaks it; so a bound may hold for a window's
 * gradients in several networks together. No other window's bits take part in what a window adds.
 */
import * as m from './plan';
import { padded } from './plan';

export function beginSum(): void {
  memory.fill(m.sums, 0, <usize>padded(m.parameterCount) << 2);
  memory.fill(m.outputSums, 0, <usize>m.parameterCount << 3);
  // Gradients are read four at a time: those past the last one are zero.
  for (let i = m.parameterCount; i < padded(m.parameterCount); i++) {
    v128.store(m.gradients + (<usize>i << 4), i32x4.splat(0));
  }
}

/**
 * Adds the integers of the lanes in `lanes` (bits) to the sums, and puts their squared norms at `squaredIntegers`: four
 * squares at a time are added in float32, the rest in float64, so below 2^24 they are exact, and above that the relative
 * error is below 2^-21.
 */
export function addRounded(lanes: i32, towardsZero: bool): void {
  const factor = v128.load(m.factors), most = limitOf(lanes);
  const end = m.gradients + (<usize>m.parameterCount << 4);
  let sum = m.sums;
  let low = f64x2.splat(0), high = low;
  for (let g = m.gradients; g < end; g += 64) {
    const a = toGrid(v128.load(g), factor, most, towardsZero);
    const b = toGrid(v128.load(g, 16), factor, most, towardsZero);
    const c = toGrid(v128.load(g, 32), factor, most, towardsZero);
    const d = toGrid(v128.load(g, 48), factor, most, towardsZero);
    const squares = f32x4.add(f32x4.add(square(a), square(b)), f32x4.add(square(c), square(d)));
    low = f64x2.add(low, f64x2.promote_low_f32x4(squares));
    high = f64x2.add(high, f64x2.promote_low_f32x4(v128.shuffle<i32>(squares, squares, 2, 3, 2, 3)));
    v128.store(sum, i32x4.add(v128.load(sum), overLanes(a, b, c, d)));
    sum += 16;
  }
  v128.store(m.squaredIntegers, low);
  v128.store(m.squaredIntegers, high, 16);
}

/** Subtracts what `addRounded` has added. 32-bit sums wrap, so this is exact whatever came between. */
export function takeRounded(lanes: i32, towardsZero: bool): void {
  const factor = v128.load(m.factors), most = limitOf(lanes);
  const end = m.gradients + (<usize>m.parameterCount << 4);
  let sum = m.sums;
  for (let g = m.gradients; g < end; g += 64) {
    const a = toGrid(v128.load(g), factor, most, towardsZero);
    const b = toGrid(v128.load(g, 16), factor, most, towardsZero);
    const c = toGrid(v128.load(g, 32), factor, most, towardsZero);
    const d = toGrid(v128.load(g, 48), factor, most, towardsZero);
    v128.store(sum, i32x4.sub(v128.load(sum), overLanes(a, b, c, d)));
    sum += 16;
  }
}

/** Adding this rounds a number of at most 2^22 to the nearest integer, ties to even, which then stands in the low bits. */
const MAGIC: f32 = 12582912;
const MAGIC_BITS: i32 = 0x4b400000;

/**
 * Gradients to integers plus `MAGIC`. Whatever the factor was made from, and even if g is NaN, an integer is at most `most`
 * in size.
 */
// @ts-ignore: decorator
@inline
function toGrid(g: v128, factor: v128, most: v128, towardsZero: bool): v128 {
  const x = f32x4.pmax(f32x4.neg(most), f32x4.pmin(most, f32x4.mul(g, factor)));
  return f32x4.add(towardsZero ? f32x4.trunc(x) : x, f32x4.splat(MAGIC));
}

// @ts-ignore: decorator
@inline
function square(shifted: v128): v128 {
  const x = f32x4.sub(shifted, f32x4.splat(MAGIC));
  return f32x4.mul(x, x);
}

/** The integer sums of the lanes of four vectors. */
// @ts-ignore: decorator
@inline
function overLanes(a: v128, b: v128, c: v128, d: v128): v128 {
  const ab = i32x4.add(v128.shuffle<i32>(a, b, 0, 4, 1, 5), v128.shuffle<i32>(a, b, 2, 6, 3, 7));
  const cd = i32x4.add(v128.shuffle<i32>(c, d, 0, 4, 1, 5), v128.shuffle<i32>(c, d, 2, 6, 3, 7));
  const sums = i32x4.add(v128.shuffle<i32>(ab, cd, 0, 1, 4, 5), v128.shuffle<i32>(ab, cd, 2, 3, 6, 7));
  return i32x4.sub(sums, i32x4.splat(MAGIC_BITS << 2));
}

/** 2^22 in the lanes whose bit is set, 0 in the others. */
function limitOf(lanes: i32): v128 {
  const bit = i32x4(1, 2, 4, 8);
  return v128.and(i32x4.eq(v128.and(i32x4.splat(lanes), bit), bit), f32x4.splat(4194304));
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
}
