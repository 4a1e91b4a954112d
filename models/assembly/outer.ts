/** Sums over time of outer products, for four windows at once. */

/**
 * `out[k][j] (+)= Σ_t left[k][t] · right[j][t]`, t ascending. Numbers of `left` and `right` lie `leftStep` and `rightStep`
 * bytes apart, their `time` times `stride` bytes. `out` holds one vector an entry.
 */
export function outer(
  left: usize,
  leftStep: usize,
  inputs: i32,
  right: usize,
  rightStep: usize,
  outputs: i32,
  time: i32,
  stride: usize,
  out: usize,
  accumulate: bool,
): void {
  const across = (<usize>outputs) << 4;
  const duration = <usize>time * stride;
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
      for (let r0 = r; r0 < end; r0 += stride) {
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
        r1 += stride;
        l0 += stride;
        l1 += stride;
        l2 += stride;
        l3 += stride;
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
        outerEntry(left + i * leftStep, r, time, stride, out + i * across, accumulate);
      out += 16;
    }
    left += leftStep << 2;
    out += 3 * across;
  }
  for (; k < inputs; k++) {
    let r = right;
    for (let j = 0; j < outputs; j++) {
      outerEntry(left, r, time, stride, out, accumulate);
      r += rightStep;
      out += 16;
    }
    left += leftStep;
  }
}

function outerEntry(
  left: usize,
  right: usize,
  time: i32,
  stride: usize,
  out: usize,
  accumulate: bool,
): void {
  let a = f32x4.splat(0);
  if (accumulate) a = v128.load(out);
  for (let t = 0; t < time; t++) {
    a = f32x4.add(a, f32x4.mul(v128.load(left), v128.load(right)));
    left += stride;
    right += stride;
  }
  v128.store(out, a);
}
