/**
 * The whitened residual summary (training-recipe.md 2.1): per column mean, largest absolute value and standard deviation
 * over the window's steps, then the squared Mahalanobis distance of these numbers.
 */
import { blockTime, blockWidth } from './autoencoder';
import * as m from './plan';
import { padded, ROW } from './plan';
import { product } from './product';

export function summarise(): void {
  const duration = <usize>blockTime() * ROW;
  const block = <usize>m.features * ROW;
  for (let half: usize = 0; half < blockWidth(); half += 16) {
    const length = v128.load(m.lengthRow + half);
    for (let i = 0; i < m.features; i++) {
      let sum = f32x4.splat(0),
        largest = sum,
        squares = sum;
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
      store<f32>(out, load<f32>(m.summaries + <usize>i * ROW + ((<usize>lane) << 2)));
      out += 4;
    }
  }
}

/** Packs the lower triangle of d rows at `whiteningFactor` into panels of four rows, the last step of each square. */
export function packWhitening(d: i32): void {
  let panels = m.whiteningPanels;
  for (let row = 0; row < d; row += 4) {
    for (let j = 0; j < row + 4; j++) {
      for (let i = row; i < row + 4; i++) {
        const inside = i < d && j <= i;
        store<f32>(
          panels,
          inside ? load<f32>(m.whiteningFactor + ((<usize>((i * (i + 1)) / 2 + j)) << 2)) : 0,
        );
        panels += 4;
      }
    }
  }
}

/** `|L⁻¹ (u − μ)|²` over the first d entries of the whitening, into `outputDistances`. */
export function distances(d: i32, solo: bool): void {
  deviate(d);
  if (solo) {
    store<f32>(m.outputDistances, soloDistance(d));
    return;
  }
  let panel = m.whiteningPanels;
  let low = f32x4.splat(0),
    high = low;
  for (let row = 0; row < d; row += 4) {
    product(panel, row + 4, 1, m.deviations, ROW, m.zeros, ROW, m.whitened, ROW);
    for (let i = row; i < min(row + 4, d); i++) {
      const y = m.whitened + <usize>(i - row) * ROW;
      low = f32x4.add(low, f32x4.mul(v128.load(y), v128.load(y)));
      high = f32x4.add(high, f32x4.mul(v128.load(y, 16), v128.load(y, 16)));
    }
    panel += (<usize>(row + 4)) << 4;
  }
  v128.store(m.outputDistances, low);
  v128.store(m.outputDistances, high, 16);
}

/** `u − μ`, zero in the rows that fill the last panel up. */
function deviate(d: i32): void {
  for (let i = 0; i < padded(d); i++) {
    const out = m.deviations + <usize>i * ROW;
    if (i >= d) {
      v128.store(out, f32x4.splat(0));
      v128.store(out, f32x4.splat(0), 16);
      continue;
    }
    const u = m.summaries + <usize>load<u32>(m.whiteningIndexes + ((<usize>i) << 2)) * ROW;
    const mean = v128.load32_splat(m.whiteningMean + ((<usize>i) << 2));
    v128.store(out, f32x4.sub(v128.load(u), mean));
    v128.store(out, f32x4.sub(v128.load(u, 16), mean), 16);
  }
}

/** The same sums in the same order, four rows of the factor in the lanes. */
function soloDistance(d: i32): f32 {
  let panel = m.whiteningPanels;
  let sum: f32 = 0;
  for (let row = 0; row < d; row += 4) {
    let a = f32x4.splat(0);
    for (let j = 0; j < row + 4; j++) {
      a = f32x4.add(
        a,
        f32x4.mul(v128.load(panel), v128.load32_splat(m.deviations + <usize>j * ROW)),
      );
      panel += 16;
    }
    v128.store(m.whitened, a);
    for (let i = row; i < min(row + 4, d); i++) {
      const y = load<f32>(m.whitened + ((<usize>(i - row)) << 2));
      sum += y * y;
    }
  }
  return sum;
}
