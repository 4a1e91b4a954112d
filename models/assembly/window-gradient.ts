/**
 * The gradient of one window of a block by itself. Its parameters, not its neighbours, stand in the lanes: it is a quarter of
 * what four windows side by side would be, stays in the cache until it is rounded, and takes the window's own steps only.
 */
import { blockTime, blockWidth } from './autoencoder';
import { clearNorms, gram, storeNorms } from './gram';
import * as m from './plan';
import { padded, ROW } from './plan';
import { clearSquares, squares, windowOuter } from './window-outer';

/** Readies all windows of the block for `formWindow`, and their norms, if they are to come from inner products. */
export function splitBlock(byGram: bool): void {
  const time = blockTime();
  const long = <usize>m.steps << 4;
  for (let half: usize = 0; half < blockWidth(); half += 16) {
    const to = m.windowSlopes + (half >> 2) * m.slopeBytes;
    turn(m.encoderGates + half, m.span, m.gates, time, to, long);
    turn(m.decoderGates + half, m.span, m.gates, time, to + m.decoderSlopesAt, long);
    turn(m.slopes + half, m.span, padded(m.features), time, to + m.outputSlopesAt, long);
    turn(m.codeSlopes + half, ROW, padded(m.latent), 1, to + m.codeSlopesAt, 16);
    turn(m.decoderConstant + half, ROW, m.gates, 1, to + m.constantSlopesAt, 16);
    if (byGram) gramNorms(half);
  }
}

/** From rows of windows to panels of numbers: four windows, four numbers at a time. */
function turn(rows: usize, step: usize, count: i32, time: i32, to: usize, panel: usize): void {
  const window = m.slopeBytes;
  for (let i = 0; i < count; i += 4) {
    let from = rows, out = to;
    for (let t = 0; t < time; t++) {
      const a = v128.load(from), b = v128.load(from + step);
      const c = v128.load(from + 2 * step), d = v128.load(from + 3 * step);
      const ab = v128.shuffle<i32>(a, b, 0, 4, 1, 5), cd = v128.shuffle<i32>(c, d, 0, 4, 1, 5);
      v128.store(out, v128.shuffle<i64>(ab, cd, 0, 2));
      v128.store(out + window, v128.shuffle<i64>(ab, cd, 1, 3));
      const ef = v128.shuffle<i32>(a, b, 2, 6, 3, 7), gh = v128.shuffle<i32>(c, d, 2, 6, 3, 7);
      v128.store(out + 2 * window, v128.shuffle<i64>(ef, gh, 0, 2));
      v128.store(out + 3 * window, v128.shuffle<i64>(ef, gh, 1, 3));
      from += ROW;
      out += 16;
    }
    rows += step << 2;
    to += panel;
  }
}

/** Leaves the gradient of the window in `lane` at `windowGradient`, and returns its squared norm. */
export function formWindow(lane: i32, byGram: bool): f64 {
  const f = m.features, h = m.hidden, z = m.latent, g = m.gates, s = m.span;
  const time = <i32>load<u8>(m.inputLengths + lane);
  const at = <usize>lane << 2;
  const slopes = m.windowSlopes + <usize>lane * m.slopeBytes;
  const long = <usize>m.steps << 4;
  const last = m.encoderInputs + <usize>f * s + <usize>blockTime() * ROW;
  const measure = !byGram;
  clearSquares();
  let out = m.windowGradient;
  out = windowOuter(m.encoderInputs + at, s, f + h + 1, slopes, long, g, time, out, measure);
  out = windowOuter(last + at, s, h + 1, slopes + m.codeSlopesAt, 16, padded(z), 1, out, measure);
  // With a constant input the sum over time is an outer product with the summed gradients; the bias is its row of 1.
  const constant = slopes + m.constantSlopesAt;
  out = windowOuter(m.code + at, ROW, z, constant, 16, g, 1, out, measure);
  const decoder = slopes + m.decoderSlopesAt;
  out = windowOuter(m.decoderInputs + at, s, h, decoder, long, g, time, out, measure);
  out = windowOuter(m.code + <usize>z * ROW + at, ROW, 1, constant, 16, g, 1, out, measure);
  const output = slopes + m.outputSlopesAt;
  windowOuter(m.decoderInputs + ROW + at, s, h + 1, output, long, padded(f), time, out, measure);
  return byGram ? load<f64>(m.squaredNorms + (<usize>lane << 3)) : squares;
}

/** The norms of four windows without the gradients: cheaper for windows of few steps. */
function gramNorms(half: usize): void {
  const f = m.features, h = m.hidden, z = m.latent, g = m.gates, s = m.span;
  const time = blockTime();
  const last = m.encoderInputs + <usize>f * s + <usize>time * ROW + half;
  clearNorms();
  gram(m.encoderInputs + half, s, f + h + 1, m.encoderGates + half, s, g, time, ROW);
  gram(last, s, h + 1, m.codeSlopes + half, ROW, z, 1, ROW);
  // The decoder's bias and its input weights see the code and the 1 behind it.
  gram(m.code + half, ROW, z + 1, m.decoderConstant + half, ROW, g, 1, ROW);
  gram(m.decoderInputs + half, s, h, m.decoderGates + half, s, g, time, ROW);
  gram(m.decoderInputs + ROW + half, s, h + 1, m.slopes + half, s, f, time, ROW);
  storeNorms(m.squaredNorms + (half << 1));
}
