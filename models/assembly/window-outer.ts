/** Sums over time of outer products, for one window, four numbers of its right side in the lanes. */
import { ROW } from './plan';

/** Of what was written with `measure`. */
export let squares: f64 = 0;

export function clearSquares(): void {
  squares = 0;
}

/**
 * `out[k][j] = Σ_t left[k][t] · right[j][t]`, t ascending. Numbers of `left` lie `leftStep` bytes apart, their times a row;
 * `right` is panels of four numbers, `panel` bytes apart; `outputs` is a multiple of four. Returns the end of `out`. With
 * `measure` the squares are added up: of four rows and two columns in float32, everything after that in float64.
 */
export function windowOuter(
  left: usize,
  leftStep: usize,
  inputs: i32,
  right: usize,
  panel: usize,
  outputs: i32,
  time: i32,
  out: usize,
  measure: bool,
): usize {
  const across = (<usize>outputs) << 2;
  const duration = (<usize>time) << 4;
  let k = 0;
  for (; k + 4 <= inputs; k += 4) {
    let r = right;
    let j = 0;
    for (; j + 8 <= outputs; j += 8) {
      let a0 = f32x4.splat(0),
        a1 = a0,
        b0 = a0,
        b1 = a0,
        c0 = a0,
        c1 = a0,
        d0 = a0,
        d1 = a0;
      let l0 = left,
        l1 = l0 + leftStep,
        l2 = l1 + leftStep,
        l3 = l2 + leftStep,
        r1 = r + panel;
      const end = r + duration;
      for (let r0 = r; r0 < end; r0 += 16) {
        const y0 = v128.load(r0),
          y1 = v128.load(r1);
        let x = v128.load32_splat(l0);
        a0 = f32x4.add(a0, f32x4.mul(x, y0));
        a1 = f32x4.add(a1, f32x4.mul(x, y1));
        x = v128.load32_splat(l1);
        b0 = f32x4.add(b0, f32x4.mul(x, y0));
        b1 = f32x4.add(b1, f32x4.mul(x, y1));
        x = v128.load32_splat(l2);
        c0 = f32x4.add(c0, f32x4.mul(x, y0));
        c1 = f32x4.add(c1, f32x4.mul(x, y1));
        x = v128.load32_splat(l3);
        d0 = f32x4.add(d0, f32x4.mul(x, y0));
        d1 = f32x4.add(d1, f32x4.mul(x, y1));
        r1 += 16;
        l0 += ROW;
        l1 += ROW;
        l2 += ROW;
        l3 += ROW;
      }
      if (measure) {
        addSquares(
          f32x4.add(
            f32x4.add(pairs(a0, a1), pairs(b0, b1)),
            f32x4.add(pairs(c0, c1), pairs(d0, d1)),
          ),
        );
      }
      const o1 = out + across,
        o2 = o1 + across,
        o3 = o2 + across;
      v128.store(out, a0);
      v128.store(out, a1, 16);
      v128.store(o1, b0);
      v128.store(o1, b1, 16);
      v128.store(o2, c0);
      v128.store(o2, c1, 16);
      v128.store(o3, d0);
      v128.store(o3, d1, 16);
      r += panel << 1;
      out += 32;
    }
    if (j < outputs) {
      let a = f32x4.splat(0),
        b = a,
        c = a,
        d = a;
      let l = left;
      const end = r + duration;
      for (; r < end; r += 16) {
        const y = v128.load(r);
        a = f32x4.add(a, f32x4.mul(v128.load32_splat(l), y));
        b = f32x4.add(b, f32x4.mul(v128.load32_splat(l + leftStep), y));
        c = f32x4.add(c, f32x4.mul(v128.load32_splat(l + 2 * leftStep), y));
        d = f32x4.add(d, f32x4.mul(v128.load32_splat(l + 3 * leftStep), y));
        l += ROW;
      }
      const zero = f32x4.splat(0);
      if (measure) {
        addSquares(
          f32x4.add(
            f32x4.add(pairs(a, zero), pairs(b, zero)),
            f32x4.add(pairs(c, zero), pairs(d, zero)),
          ),
        );
      }
      v128.store(out, a);
      v128.store(out + across, b);
      v128.store(out + 2 * across, c);
      v128.store(out + 3 * across, d);
      out += 16;
    }
    left += leftStep << 2;
    out += 3 * across;
  }
  for (; k < inputs; k++) {
    let r = right;
    for (let j = 0; j < outputs; j += 4) {
      let a = f32x4.splat(0);
      let l = left;
      const end = r + duration;
      for (let r0 = r; r0 < end; r0 += 16) {
        a = f32x4.add(a, f32x4.mul(v128.load32_splat(l), v128.load(r0)));
        l += ROW;
      }
      if (measure) addSquares(f32x4.mul(a, a));
      v128.store(out, a);
      r += panel;
      out += 16;
    }
    left += leftStep;
  }
  return out;
}

/** Squares of a row's eight numbers, added by neighbours. */
// @ts-ignore: decorator
@inline
function pairs(x: v128, y: v128): v128 {
  const a = f32x4.mul(x, x),
    b = f32x4.mul(y, y);
  return f32x4.add(v128.shuffle<i32>(a, b, 0, 2, 4, 6), v128.shuffle<i32>(a, b, 1, 3, 5, 7));
}

// @ts-ignore: decorator
@inline
function addSquares(some: v128): void {
  const low = f64x2.promote_low_f32x4(some),
    high = f64x2.promote_low_f32x4(v128.shuffle<i32>(some, some, 2, 3, 2, 3));
  let sum = squares + f64x2.extract_lane(low, 0);
  sum += f64x2.extract_lane(low, 1);
  sum += f64x2.extract_lane(high, 0);
  squares = sum + f64x2.extract_lane(high, 1);
}
