/**
 * The whitened residual summary (training-recipe.md 2.1): per column mean, largest absolute value and standard deviation
 * over the window's steps, then the squared Mahalanobis distance of these numbers.
 */
import { blockTime, blockWidth } from './autoencoder';
import * as m from './plan';
import { ROW } from './plan';

export function summarise(): void {
  const duration = <usize>blockTime() * ROW;
  const block = <usize>m.features * ROW;
  for (let half: usize = 0; half < blockWidth(); half += 16) {
    const length = v128.load(m.lengthRow + half);
    for (let i = 0; i < m.features; i++) {
      let sum = f32x4.splat(0), largest = sum, squares = sum;
      const r = m.residuals + <usize>i * m.span;
      for (let at = half; at < duration; at += ROW) {
        const x = v128.load(r + at);
        sum = f32x4.add(sum, x);
        largest = f32x4.pmax(largest, f32x4.abs(x));
      }
      const mean = f32x4.div(sum, length);
      for (let at = half; at < duration; at += ROW) {
        const x = v128.and(f32x4.sub(v128.load(r + at), mean), v128.load(m.valid + at));
        squares = f32x4.add(squares, f32x4.mul(x, x));
      }
      const out = m.summaries + <usize>i * ROW + half;
      v128.store(out, mean);
      v128.store(out + block, largest);
      v128.store(out + 2 * block, f32x4.sqrt(f32x4.div(squares, length)));
    }
  }
}

export function storeSummaries(count: i32): void {
  const d = 3 * m.features;
  let out = m.outputSummaries;
  for (let lane = 0; lane < count; lane++) {
    for (let i = 0; i < d; i++) {
      store<f32>(out, load<f32>(m.summaries + <usize>i * ROW + (<usize>lane << 2)));
      out += 4;
    }
  }
}

/** `|L⁻¹ (u − μ)|²` over the first d entries of the whitening, into `outputDistances`. */
export function distances(d: i32): void {
  for (let half: usize = 0; half < blockWidth(); half += 16) {
    for (let i = 0; i < d; i++) {
      const entry = <usize>load<u32>(m.whiteningIndexes + (<usize>i << 2));
      const u = v128.load(m.summaries + entry * ROW + half);
      v128.store(m.deviations + <usize>i * ROW + half, f32x4.sub(u, v128.load32_splat(m.whiteningMean + (<usize>i << 2))));
    }
    let factor = m.whiteningFactor;
    let sum = f32x4.splat(0);
    for (let i = 0; i < d; i++) {
      let y = f32x4.splat(0);
      let u = m.deviations + half;
      for (let j = 0; j <= i; j++) {
        y = f32x4.add(y, f32x4.mul(v128.load32_splat(factor), v128.load(u)));
        factor += 4;
        u += ROW;
      }
      sum = f32x4.add(sum, f32x4.mul(y, y));
    }
    v128.store(m.outputDistances + half, sum);
  }
}
