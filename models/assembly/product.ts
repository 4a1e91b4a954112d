/** Matrix products over rows: weights are read as scalars and spread over the lanes. */
import { padded, ROW } from './plan';

/**
 * `out[j] = from[j] + Σ_k panel[k][j] · in[k]`, k ascending, for the four outputs of each of `count` panels.
 * `from` may be `out`.
 */
export function product(panels: usize, inputs: i32, count: i32, input: usize, from: usize, out: usize): void {
  let w = panels;
  const end = input + <usize>inputs * ROW;
  for (let panel = 0; panel < count; panel++) {
    let a0 = v128.load(from), a1 = v128.load(from, 16);
    let b0 = v128.load(from, 32), b1 = v128.load(from, 48);
    let c0 = v128.load(from, 64), c1 = v128.load(from, 80);
    let d0 = v128.load(from, 96), d1 = v128.load(from, 112);
    for (let x = input; x < end; x += ROW) {
      const x0 = v128.load(x), x1 = v128.load(x, 16);
      let y = v128.load32_splat(w);
      a0 = f32x4.add(a0, f32x4.mul(y, x0));
      a1 = f32x4.add(a1, f32x4.mul(y, x1));
      y = v128.load32_splat(w, 4);
      b0 = f32x4.add(b0, f32x4.mul(y, x0));
      b1 = f32x4.add(b1, f32x4.mul(y, x1));
      y = v128.load32_splat(w, 8);
      c0 = f32x4.add(c0, f32x4.mul(y, x0));
      c1 = f32x4.add(c1, f32x4.mul(y, x1));
      y = v128.load32_splat(w, 12);
      d0 = f32x4.add(d0, f32x4.mul(y, x0));
      d1 = f32x4.add(d1, f32x4.mul(y, x1));
      w += 16;
    }
    v128.store(out, a0);
    v128.store(out, a1, 16);
    v128.store(out, b0, 32);
    v128.store(out, b1, 48);
    v128.store(out, c0, 64);
    v128.store(out, c1, 80);
    v128.store(out, d0, 96);
    v128.store(out, d1, 112);
    from += 128;
    out += 128;
  }
}

/** Packs `matrix[inputs][outputs]` for `product`. */
export function pack(matrix: usize, inputs: i32, outputs: i32, panels: usize): void {
  for (let j = 0; j < padded(outputs); j += 4) {
    for (let k = 0; k < inputs; k++) {
      for (let c = j; c < j + 4; c++) {
        store<f32>(panels, c < outputs ? load<f32>(matrix + (<usize>(k * outputs + c) << 2)) : 0);
        panels += 4;
      }
    }
  }
}

/** Packs the transpose of `matrix[inputs][outputs]`: sums over its outputs. */
export function packTransposed(matrix: usize, inputs: i32, outputs: i32, panels: usize): void {
  for (let k = 0; k < padded(inputs); k += 4) {
    for (let j = 0; j < outputs; j++) {
      for (let c = k; c < k + 4; c++) {
        store<f32>(panels, c < inputs ? load<f32>(matrix + (<usize>(c * outputs + j) << 2)) : 0);
        panels += 4;
      }
    }
  }
}

/**
 * Gradient of a matrix for four windows at once: `out[k][j] (+)= Σ_t left[t][k] · right[t][j]`, t ascending. `left` and
 * `right` point at the wanted half of their rows, strides are in bytes, `out` holds one vector an entry.
 */
export function outer(
  left: usize, leftStride: usize, inputs: i32,
  right: usize, rightStride: usize, outputs: i32,
  time: i32, out: usize, accumulate: bool,
): void {
  const across = <usize>outputs << 4;
  let k = 0;
  for (; k + 4 <= inputs; k += 4) {
    let j = 0;
    for (; j + 2 <= outputs; j += 2) {
      let l = left + <usize>k * ROW, r = right + <usize>j * ROW;
      let o = out + <usize>k * across + (<usize>j << 4);
      const o1 = o + across, o2 = o1 + across, o3 = o2 + across;
      let a0 = f32x4.splat(0), a1 = a0, b0 = a0, b1 = a0, c0 = a0, c1 = a0, d0 = a0, d1 = a0;
      if (accumulate) {
        a0 = v128.load(o); a1 = v128.load(o, 16);
        b0 = v128.load(o1); b1 = v128.load(o1, 16);
        c0 = v128.load(o2); c1 = v128.load(o2, 16);
        d0 = v128.load(o3); d1 = v128.load(o3, 16);
      }
      for (let t = 0; t < time; t++) {
        const r0 = v128.load(r), r1 = v128.load(r, 32);
        let x = v128.load(l);
        a0 = f32x4.add(a0, f32x4.mul(x, r0));
        a1 = f32x4.add(a1, f32x4.mul(x, r1));
        x = v128.load(l, 32);
        b0 = f32x4.add(b0, f32x4.mul(x, r0));
        b1 = f32x4.add(b1, f32x4.mul(x, r1));
        x = v128.load(l, 64);
        c0 = f32x4.add(c0, f32x4.mul(x, r0));
        c1 = f32x4.add(c1, f32x4.mul(x, r1));
        x = v128.load(l, 96);
        d0 = f32x4.add(d0, f32x4.mul(x, r0));
        d1 = f32x4.add(d1, f32x4.mul(x, r1));
        l += leftStride;
        r += rightStride;
      }
      v128.store(o, a0); v128.store(o, a1, 16);
      v128.store(o1, b0); v128.store(o1, b1, 16);
      v128.store(o2, c0); v128.store(o2, c1, 16);
      v128.store(o3, d0); v128.store(o3, d1, 16);
    }
    if (j < outputs) {
      for (let i = k; i < k + 4; i++) outerEntry(left, leftStride, i, right, rightStride, j, time, out + <usize>i * across, accumulate);
    }
  }
  for (; k < inputs; k++) {
    for (let j = 0; j < outputs; j++) outerEntry(left, leftStride, k, right, rightStride, j, time, out + <usize>k * across, accumulate);
  }
}

function outerEntry(
  left: usize, leftStride: usize, k: i32,
  right: usize, rightStride: usize, j: i32,
  time: i32, outRow: usize, accumulate: bool,
): void {
  let l = left + <usize>k * ROW, r = right + <usize>j * ROW;
  const o = outRow + (<usize>j << 4);
  let a = f32x4.splat(0);
  if (accumulate) a = v128.load(o);
  for (let t = 0; t < time; t++) {
    a = f32x4.add(a, f32x4.mul(v128.load(l), v128.load(r)));
    l += leftStride;
    r += rightStride;
  }
  v128.store(o, a);
}
