/**
 * A window's gradient on the integer grid, added to an exact sum (privacy.md §8.2). The caller chooses the factor, compares
 * the exact squared norm with the bound, and takes out again what breaks it; so a bound may hold for a window's gradients in
 * several networks together.
 */
import * as m from './plan';
import { padded } from './plan';

/** How many times more `MAGIC_BITS` were added to every sum than taken out. */
let shifts: i32 = 0;

export function beginSum(): void {
  shifts = 0;
  memory.fill(m.sums, 0, <usize>m.windowCount << 2);
  memory.fill(m.outputSums, 0, <usize>m.parameterCount << 3);
}

/**
 * Adds the integers of the window that `formWindow` has left, and returns their squared norm: eight squares at a time are
 * added in float32, the rest in float64, so below 2^24 it is exact, and above that the relative error is below 2^-21. If an
 * integer is above 2^22 in size or no number, so is that norm, and what was added means nothing: take it out.
 */
export function addRounded(factor: f32, towardsZero: bool): f64 {
  return towardsZero ? addAll(factor, true) : addAll(factor, false);
}

/** Subtracts what `addRounded` has added. 32-bit sums wrap, so this is exact whatever came between. */
export function takeRounded(factor: f32, towardsZero: bool): void {
  const by = f32x4.splat(factor);
  const end = m.windowGradient + (<usize>m.windowCount << 2);
  let sum = m.sums;
  for (let g = m.windowGradient; g < end; g += 16) {
    v128.store(sum, i32x4.sub(v128.load(sum), toGrid(v128.load(g), by, towardsZero)));
    sum += 16;
  }
  shifts--;
}

// @ts-ignore: decorator
@inline
function addAll(factor: f32, towardsZero: bool): f64 {
  const by = f32x4.splat(factor);
  const end = m.windowGradient + (<usize>m.windowCount << 2);
  let sum = m.sums;
  let low = f64x2.splat(0), high = low;
  for (let g = m.windowGradient; g < end; g += 128) {
    const squares = f32x4.add(
      f32x4.add(addTwo(sum, g, by, towardsZero), addTwo(sum + 32, g + 32, by, towardsZero)),
      f32x4.add(addTwo(sum + 64, g + 64, by, towardsZero), addTwo(sum + 96, g + 96, by, towardsZero)),
    );
    low = f64x2.add(low, f64x2.promote_low_f32x4(squares));
    high = f64x2.add(high, f64x2.promote_low_f32x4(v128.shuffle<i32>(squares, squares, 2, 3, 2, 3)));
    sum += 128;
  }
  shifts++;
  const both = f64x2.add(low, high);
  return f64x2.extract_lane(both, 0) + f64x2.extract_lane(both, 1);
}

/** Adds two vectors of integers and returns their squares, added. */
// @ts-ignore: decorator
@inline
function addTwo(sum: usize, g: usize, factor: v128, towardsZero: bool): v128 {
  const a = toGrid(v128.load(g), factor, towardsZero);
  const b = toGrid(v128.load(g, 16), factor, towardsZero);
  v128.store(sum, i32x4.add(v128.load(sum), a));
  v128.store(sum, i32x4.add(v128.load(sum, 16), b), 16);
  return f32x4.add(square(a), square(b));
}

/** Adding this rounds a number of at most 2^22 to the nearest integer, ties to even, which then stands in the low bits. */
const MAGIC: f32 = 12582912;
const MAGIC_BITS: i32 = 0x4b400000;

/** Gradients to integers plus `MAGIC`. */
// @ts-ignore: decorator
@inline
function toGrid(g: v128, factor: v128, towardsZero: bool): v128 {
  const x = f32x4.mul(g, factor);
  return f32x4.add(towardsZero ? f32x4.trunc(x) : x, f32x4.splat(MAGIC));
}

// @ts-ignore: decorator
@inline
function square(shifted: v128): v128 {
  const x = f32x4.sub(shifted, f32x4.splat(MAGIC));
  return f32x4.mul(x, x);
}

/** Moves the 32-bit sums, less what `MAGIC` left in them, into the exact float64 sums, which stand without padding. */
export function flush(): void {
  const f = m.features, h = m.hidden, z = m.latent, g = m.gates;
  let sum = m.sums, out = m.outputSums;
  sum = flushRows(sum, f + h + 1, g, out);
  out += <usize>m.latentAt << 3;
  sum = flushRows(sum, h + 1, z, out);
  out = m.outputSums + (<usize>m.decoderAt << 3);
  sum = flushRows(sum, z + h + 1, g, out);
  flushRows(sum, h + 1, f, m.outputSums + (<usize>m.outputAt << 3));
  shifts = 0;
  memory.fill(m.sums, 0, <usize>m.windowCount << 2);
}

/** Returns the end of the rows. */
function flushRows(sum: usize, rows: i32, columns: i32, out: usize): usize {
  const shift = shifts * MAGIC_BITS;
  const padding = <usize>(padded(columns) - columns) << 2;
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++) {
      store<f64>(out, load<f64>(out) + <f64>(load<i32>(sum) - shift));
      sum += 4;
      out += 8;
    }
    sum += padding;
  }
  return sum;
}
