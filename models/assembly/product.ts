/** Matrix products over rows: weights are read as scalars and spread over the lanes. */
import { padded, ROW } from './plan';

/**
 * `out[j] = from[j] + Σ_k panel[k][j] · in[k]`, k ascending, for the four outputs of each of `count` panels. Rows of the
 * three lie `inStep`, `fromStep`, `outStep` bytes apart. `from` may be `out`.
 */
export function product(
  panels: usize,
  inputs: i32,
  count: i32,
  input: usize,
  inStep: usize,
  from: usize,
  fromStep: usize,
  out: usize,
  outStep: usize,
): void {
  let w = panels;
  const panelBytes = (<usize>inputs) << 4;
  for (let panel = 0; panel < count; panel++) {
    let f = from;
    let a0 = v128.load(f),
      a1 = v128.load(f, 16);
    f += fromStep;
    let b0 = v128.load(f),
      b1 = v128.load(f, 16);
    f += fromStep;
    let c0 = v128.load(f),
      c1 = v128.load(f, 16);
    f += fromStep;
    let d0 = v128.load(f),
      d1 = v128.load(f, 16);
    from = f + fromStep;
    const end = w + panelBytes;
    let x = input;
    for (; w < end; w += 16) {
      const x0 = v128.load(x),
        x1 = v128.load(x, 16);
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
      x += inStep;
    }
    v128.store(out, a0);
    v128.store(out, a1, 16);
    out += outStep;
    v128.store(out, b0);
    v128.store(out, b1, 16);
    out += outStep;
    v128.store(out, c0);
    v128.store(out, c1, 16);
    out += outStep;
    v128.store(out, d0);
    v128.store(out, d1, 16);
    out += outStep;
  }
}

/**
 * The same for one window in plain vectors: `out[j] = from[j] + Σ_k matrix[k][j] · in[k]`, k ascending, so the same bits.
 * Outputs past the last of a row are computed too, from whatever follows, and mean nothing.
 */
export function soloProduct(
  matrix: usize,
  inputs: i32,
  outputs: i32,
  input: usize,
  from: usize,
  out: usize,
): void {
  const across = (<usize>outputs) << 2;
  const end = input + ((<usize>inputs) << 2);
  let j: usize = 0;
  for (; j + 128 <= across; j += 128) {
    const f = from + j,
      o = out + j;
    let a0 = v128.load(f),
      a1 = v128.load(f, 16),
      a2 = v128.load(f, 32),
      a3 = v128.load(f, 48);
    let a4 = v128.load(f, 64),
      a5 = v128.load(f, 80),
      a6 = v128.load(f, 96),
      a7 = v128.load(f, 112);
    let w = matrix + j;
    for (let x = input; x < end; x += 4) {
      const y = v128.load32_splat(x);
      a0 = f32x4.add(a0, f32x4.mul(y, v128.load(w)));
      a1 = f32x4.add(a1, f32x4.mul(y, v128.load(w, 16)));
      a2 = f32x4.add(a2, f32x4.mul(y, v128.load(w, 32)));
      a3 = f32x4.add(a3, f32x4.mul(y, v128.load(w, 48)));
      a4 = f32x4.add(a4, f32x4.mul(y, v128.load(w, 64)));
      a5 = f32x4.add(a5, f32x4.mul(y, v128.load(w, 80)));
      a6 = f32x4.add(a6, f32x4.mul(y, v128.load(w, 96)));
      a7 = f32x4.add(a7, f32x4.mul(y, v128.load(w, 112)));
      w += across;
    }
    v128.store(o, a0);
    v128.store(o, a1, 16);
    v128.store(o, a2, 32);
    v128.store(o, a3, 48);
    v128.store(o, a4, 64);
    v128.store(o, a5, 80);
    v128.store(o, a6, 96);
    v128.store(o, a7, 112);
  }
  for (; j + 64 <= across; j += 64) {
    const f = from + j,
      o = out + j;
    let a0 = v128.load(f),
      a1 = v128.load(f, 16),
      a2 = v128.load(f, 32),
      a3 = v128.load(f, 48);
    let w = matrix + j;
    for (let x = input; x < end; x += 4) {
      const y = v128.load32_splat(x);
      a0 = f32x4.add(a0, f32x4.mul(y, v128.load(w)));
      a1 = f32x4.add(a1, f32x4.mul(y, v128.load(w, 16)));
      a2 = f32x4.add(a2, f32x4.mul(y, v128.load(w, 32)));
      a3 = f32x4.add(a3, f32x4.mul(y, v128.load(w, 48)));
      w += across;
    }
    v128.store(o, a0);
    v128.store(o, a1, 16);
    v128.store(o, a2, 32);
    v128.store(o, a3, 48);
  }
  for (; j < across; j += 16) {
    let a = v128.load(from + j);
    let w = matrix + j;
    for (let x = input; x < end; x += 4) {
      a = f32x4.add(a, f32x4.mul(v128.load32_splat(x), v128.load(w)));
      w += across;
    }
    v128.store(out + j, a);
  }
}

/** Packs `matrix[inputs][outputs]` for `product`. */
export function pack(matrix: usize, inputs: i32, outputs: i32, panels: usize): void {
  for (let j = 0; j < padded(outputs); j += 4) {
    for (let k = 0; k < inputs; k++) {
      for (let c = j; c < j + 4; c++) {
        store<f32>(panels, c < outputs ? load<f32>(matrix + ((<usize>(k * outputs + c)) << 2)) : 0);
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
        store<f32>(panels, c < inputs ? load<f32>(matrix + ((<usize>(c * outputs + j)) << 2)) : 0);
        panels += 4;
      }
    }
  }
}

/**
 * Gradient of a matrix for four windows at once: `out[k][j] (+)= Σ_t left[k][t] · right[j][t]`, t ascending. `left` and
 * `right` point at the wanted half of their rows, their numbers lie `leftStep` and `rightStep` bytes apart, their times
 * ROW bytes. `out` holds one vector an entry.
 */
export function outer(
  left: usize,
  leftStep: usize,
  inputs: i32,
  right: usize,
  rightStep: usize,
  outputs: i32,
  time: i32,
  out: usize,
  accumulate: bool,
): void {
  const across = (<usize>outputs) << 4;
  const duration = <usize>time * ROW;
  let k = 0;
  for (; k + 4 <= inputs; k += 4) {
    let r = right;
    let j = 0;
    for (; j + 2 <= outputs; j += 2) {
      const o1 = out + across,
        o2 = o1 + across,
        o3 = o2 + across;
      let a0 = f32x4.splat(0),
        a1 = a0,
        b0 = a0,
        b1 = a0,
        c0 = a0,
        c1 = a0,
        d0 = a0,
        d1 = a0;
      if (accumulate) {
        a0 = v128.load(out);
        a1 = v128.load(out, 16);
        b0 = v128.load(o1);
        b1 = v128.load(o1, 16);
        c0 = v128.load(o2);
        c1 = v128.load(o2, 16);
        d0 = v128.load(o3);
        d1 = v128.load(o3, 16);
      }
      let l0 = left,
        l1 = l0 + leftStep,
        l2 = l1 + leftStep,
        l3 = l2 + leftStep,
        r1 = r + rightStep;
      const end = r + duration;
      for (let r0 = r; r0 < end; r0 += ROW) {
        const y0 = v128.load(r0),
          y1 = v128.load(r1);
        let x = v128.load(l0);
        a0 = f32x4.add(a0, f32x4.mul(x, y0));
        a1 = f32x4.add(a1, f32x4.mul(x, y1));
        x = v128.load(l1);
        b0 = f32x4.add(b0, f32x4.mul(x, y0));
        b1 = f32x4.add(b1, f32x4.mul(x, y1));
        x = v128.load(l2);
        c0 = f32x4.add(c0, f32x4.mul(x, y0));
        c1 = f32x4.add(c1, f32x4.mul(x, y1));
        x = v128.load(l3);
        d0 = f32x4.add(d0, f32x4.mul(x, y0));
        d1 = f32x4.add(d1, f32x4.mul(x, y1));
        r1 += ROW;
        l0 += ROW;
        l1 += ROW;
        l2 += ROW;
        l3 += ROW;
      }
      v128.store(out, a0);
      v128.store(out, a1, 16);
      v128.store(o1, b0);
      v128.store(o1, b1, 16);
      v128.store(o2, c0);
      v128.store(o2, c1, 16);
      v128.store(o3, d0);
      v128.store(o3, d1, 16);
      r += rightStep << 1;
      out += 32;
    }
    if (j < outputs) {
      for (let i: usize = 0; i < 4; i++)
        outerEntry(left + i * leftStep, r, time, out + i * across, accumulate);
      out += 16;
    }
    left += leftStep << 2;
    out += 3 * across;
  }
  for (; k < inputs; k++) {
    let r = right;
    for (let j = 0; j < outputs; j++) {
      outerEntry(left, r, time, out, accumulate);
      r += rightStep;
      out += 16;
    }
    left += leftStep;
  }
}

function outerEntry(left: usize, right: usize, time: i32, out: usize, accumulate: bool): void {
  let a = f32x4.splat(0);
  if (accumulate) a = v128.load(out);
  for (let t = 0; t < time; t++) {
    a = f32x4.add(a, f32x4.mul(v128.load(left), v128.load(right)));
    left += ROW;
    right += ROW;
  }
  v128.store(out, a);
}
