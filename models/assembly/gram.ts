/**
 * Squared norms of the gradients of four windows without the gradients (the "ghost" norm; Goodfellow 2015,
 * arXiv:1510.01799; privacy.md §7): the squared norm of `Σ_t right_t left_tᵀ` is `Σ_{s,t} (right_s·right_t)(left_s·left_t)`.
 */

let low: v128 = f64x2.splat(0);
let high: v128 = f64x2.splat(0);

export function clearNorms(): void {
  low = f64x2.splat(0);
  high = low;
}

export function storeNorms(to: usize): void {
  v128.store(to, low);
  v128.store(to, high, 16);
}

/** Adds the norms for `left` and `right` as `outer` takes them. */
export function gram(
  left: usize,
  leftStep: usize,
  inputs: i32,
  right: usize,
  rightStep: usize,
  outputs: i32,
  time: i32,
  stride: usize,
): void {
  const end = <usize>time * stride;
  for (let s: usize = 0; s < end; s += stride) {
    for (let t: usize = 0; t <= s; t += stride) {
      const l = dot(left + s, left + t, leftStep, inputs);
      const r = dot(right + s, right + t, rightStep, outputs);
      const pairs = f64x2.splat(s == t ? 1 : 2);
      // Products of two sums of squares are taken in float64: they reach further than float32.
      const lower = f64x2.mul(f64x2.promote_low_f32x4(l), f64x2.promote_low_f32x4(r));
      low = f64x2.add(low, f64x2.mul(pairs, lower));
      high = f64x2.add(high, f64x2.mul(pairs, f64x2.mul(upper(l), upper(r))));
    }
  }
}

// @ts-ignore: decorator
@inline
function upper(x: v128): v128 {
  return f64x2.promote_low_f32x4(v128.shuffle<i32>(x, x, 2, 3, 2, 3));
}

function dot(a: usize, b: usize, step: usize, count: i32): v128 {
  let even = f32x4.splat(0),
    odd = even;
  const end = a + <usize>count * step;
  if (count & 1) {
    even = f32x4.mul(v128.load(a), v128.load(b));
    a += step;
    b += step;
  }
  for (; a < end; a += step << 1) {
    even = f32x4.add(even, f32x4.mul(v128.load(a), v128.load(b)));
    odd = f32x4.add(odd, f32x4.mul(v128.load(a + step), v128.load(b + step)));
    b += step << 1;
  }
  return f32x4.add(even, odd);
}
