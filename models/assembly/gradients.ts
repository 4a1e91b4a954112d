/**
 * From the activations and pre-activation gradients of a block to gradients of the parameters, in the order of the layout:
 * each tensor's is a sum over time of an outer product.
 */
import { blockTime, blockWidth } from './autoencoder';
import { gram } from './gram';
import { clearNorms, outer, storeNorms } from './outer';
import * as m from './plan';
import { ROW } from './plan';

/** Adds the gradients of all windows of the block; a lane takes two windows, if there are more than four. */
export function gradientsOfBlock(accumulate: bool): void {
  // Both halves of a row, one after the other, are twice as many times.
  if (blockWidth() == ROW) form(0, 2, 16, accumulate, false);
  else form(0, 1, ROW, accumulate, false);
}

/** The gradients of four windows (those of `half`: byte 0 or 16 of the rows), and at `squaredNorms` the norms of them. */
export function gradientsOfHalf(half: usize, byGram: bool): void {
  clearNorms();
  if (byGram) gramNorms(half);
  form(half, 1, ROW, false, !byGram);
  storeNorms(m.squaredNorms);
}

/** `parts` vectors a time, `stride` bytes apart. */
function form(half: usize, parts: i32, stride: usize, accumulate: bool, measure: bool): void {
  const f = m.features, h = m.hidden, z = m.latent, g = m.gates, s = m.span;
  const out = m.gradients;
  const time = blockTime() * parts;
  const last = m.encoderInputs + <usize>f * s + <usize>blockTime() * ROW + half;
  const constant = m.decoderConstant + half;
  outer(m.encoderInputs + half, s, f + h + 1, m.encoderGates + half, s, g, time, stride, out, accumulate, measure);
  outer(
    last, s, h + 1, m.codeSlopes + half, ROW, z, parts, stride,
    out + (<usize>m.latentAt << 4), accumulate, measure,
  );
  // With a constant input the sum over time is an outer product with the summed gradients; the bias is its row of 1.
  outer(
    m.code + half, ROW, z, constant, ROW, g, parts, stride,
    out + (<usize>m.decoderAt << 4), accumulate, measure,
  );
  outer(
    m.decoderInputs + half, s, h, m.decoderGates + half, s, g, time, stride,
    out + (<usize>m.decoderRecurrentAt << 4), accumulate, measure,
  );
  outer(
    m.code + <usize>z * ROW + half, ROW, 1, constant, ROW, g, parts, stride,
    out + (<usize>m.decoderBiasAt << 4), accumulate, measure,
  );
  outer(
    m.decoderInputs + ROW + half, s, h + 1, m.slopes + half, s, f, time, stride,
    out + (<usize>m.outputAt << 4), accumulate, measure,
  );
}

/** The same norms without the gradients: cheaper for windows of few steps. */
function gramNorms(half: usize): void {
  const f = m.features, h = m.hidden, z = m.latent, g = m.gates, s = m.span;
  const time = blockTime();
  const last = m.encoderInputs + <usize>f * s + <usize>time * ROW + half;
  gram(m.encoderInputs + half, s, f + h + 1, m.encoderGates + half, s, g, time, ROW);
  gram(last, s, h + 1, m.codeSlopes + half, ROW, z, 1, ROW);
  // The decoder's bias and its input weights see the code and the 1 behind it.
  gram(m.code + half, ROW, z + 1, m.decoderConstant + half, ROW, g, 1, ROW);
  gram(m.decoderInputs + half, s, h, m.decoderGates + half, s, g, time, ROW);
  gram(m.decoderInputs + ROW + half, s, h + 1, m.slopes + half, s, f, time, ROW);
}
