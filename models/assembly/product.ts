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

/** Outputs that `soloProduct` computes side by side: as many sums as hide the latency of an addition. */
const SOLO: i32 = 32;

/**
 * The same for one window in plain vectors: `out[j] = from[j] + Σ_k matrix[k][j] · in[k]`, k ascending, so the same bits.
 * `panels` as `packSolo` makes them. Outputs from the last to a multiple of four mean nothing.
 */
export function soloProduct(
  panels: usize,
  inputs: i32,
  outputs: i32,
  input: usize,
  from: usize,
  out: usize,
): void {
  const end = input + ((<usize>inputs) << 2);
  let w = panels;
  let left = padded(outputs);
  for (; left >= SOLO; left -= SOLO) {
    let a0 = v128.load(from),
      a1 = v128.load(from, 16),
      a2 = v128.load(from, 32),
      a3 = v128.load(from, 48);
    let a4 = v128.load(from, 64),
      a5 = v128.load(from, 80),
      a6 = v128.load(from, 96),
      a7 = v128.load(from, 112);
    let x = input;
    if (inputs & 1) {
      const y = v128.load32_splat(x);
      a0 = f32x4.add(a0, f32x4.mul(y, v128.load(w)));
      a1 = f32x4.add(a1, f32x4.mul(y, v128.load(w, 16)));
      a2 = f32x4.add(a2, f32x4.mul(y, v128.load(w, 32)));
      a3 = f32x4.add(a3, f32x4.mul(y, v128.load(w, 48)));
      a4 = f32x4.add(a4, f32x4.mul(y, v128.load(w, 64)));
      a5 = f32x4.add(a5, f32x4.mul(y, v128.load(w, 80)));
      a6 = f32x4.add(a6, f32x4.mul(y, v128.load(w, 96)));
      a7 = f32x4.add(a7, f32x4.mul(y, v128.load(w, 112)));
      x += 4;
      w += 128;
    }
    // Two inputs a turn: V8 before version 13 takes twice the time for one.
    for (; x < end; x += 8) {
      let y = v128.load32_splat(x);
      a0 = f32x4.add(a0, f32x4.mul(y, v128.load(w)));
      a1 = f32x4.add(a1, f32x4.mul(y, v128.load(w, 16)));
      a2 = f32x4.add(a2, f32x4.mul(y, v128.load(w, 32)));
      a3 = f32x4.add(a3, f32x4.mul(y, v128.load(w, 48)));
      a4 = f32x4.add(a4, f32x4.mul(y, v128.load(w, 64)));
      a5 = f32x4.add(a5, f32x4.mul(y, v128.load(w, 80)));
      a6 = f32x4.add(a6, f32x4.mul(y, v128.load(w, 96)));
      a7 = f32x4.add(a7, f32x4.mul(y, v128.load(w, 112)));
      y = v128.load32_splat(x, 4);
      a0 = f32x4.add(a0, f32x4.mul(y, v128.load(w, 128)));
      a1 = f32x4.add(a1, f32x4.mul(y, v128.load(w, 144)));
      a2 = f32x4.add(a2, f32x4.mul(y, v128.load(w, 160)));
      a3 = f32x4.add(a3, f32x4.mul(y, v128.load(w, 176)));
      a4 = f32x4.add(a4, f32x4.mul(y, v128.load(w, 192)));
      a5 = f32x4.add(a5, f32x4.mul(y, v128.load(w, 208)));
      a6 = f32x4.add(a6, f32x4.mul(y, v128.load(w, 224)));
      a7 = f32x4.add(a7, f32x4.mul(y, v128.load(w, 240)));
      w += 256;
    }
    v128.store(out, a0);
    v128.store(out, a1, 16);
    v128.store(out, a2, 32);
    v128.store(out, a3, 48);
    v128.store(out, a4, 64);
    v128.store(out, a5, 80);
    v128.store(out, a6, 96);
    v128.store(out, a7, 112);
    from += 128;
    out += 128;
  }
  for (; left >= 16; left -= 16) {
    let a0 = v128.load(from),
      a1 = v128.load(from, 16),
      a2 = v128.load(from, 32),
      a3 = v128.load(from, 48);
    for (let x = input; x < end; x += 4) {
      const y = v128.load32_splat(x);
      a0 = f32x4.add(a0, f32x4.mul(y, v128.load(w)));
      a1 = f32x4.add(a1, f32x4.mul(y, v128.load(w, 16)));
      a2 = f32x4.add(a2, f32x4.mul(y, v128.load(w, 32)));
      a3 = f32x4.add(a3, f32x4.mul(y, v128.load(w, 48)));
      w += 64;
    }
    v128.store(out, a0);
    v128.store(out, a1, 16);
    v128.store(out, a2, 32);
    v128.store(out, a3, 48);
    from += 64;
    out += 64;
  }
  for (; left > 0; left -= 4) {
    let a = v128.load(from);
    for (let x = input; x < end; x += 4) {
      a = f32x4.add(a, f32x4.mul(v128.load32_splat(x), v128.load(w)));
      w += 16;
    }
    v128.store(out, a);
    from += 16;
    out += 16;
  }
}

/** Packs `matrix[inputs][outputs]` for `soloProduct`: panels of 32 outputs, then one of 16, then of four. */
export function packSolo(matrix: usize, inputs: i32, outputs: i32, panels: usize): void {
  const all = padded(outputs);
  for (let j = 0; j < all; ) {
    const wide = all - j >= SOLO ? SOLO : all - j >= 16 ? 16 : 4;
    packPanel(matrix, inputs, outputs, j, wide, panels);
    panels += (<usize>(inputs * wide)) << 2;
    j += wide;
  }
}

/** Outputs `first` to `first + wide`, padded with zeros, input after input. */
function packPanel(
  matrix: usize,
  inputs: i32,
  outputs: i32,
  first: i32,
  wide: i32,
  panel: usize,
): void {
  for (let k = 0; k < inputs; k++) {
    for (let j = first; j < first + wide; j++) {
      const at = matrix + ((<usize>(k * outputs + j)) << 2);
      store<f32>(panel, j < outputs ? load<f32>(at) : 0);
      panel += 4;
    }
  }
}

/** Packs `matrix[inputs][outputs]` for `product`. */
export function pack(matrix: usize, inputs: i32, outputs: i32, panels: usize): void {
  for (let j = 0; j < padded(outputs); j += 4) {
    packPanel(matrix, inputs, outputs, j, 4, panels);
    panels += (<usize>inputs) << 4;
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
