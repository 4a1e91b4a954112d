/**
 * From the activations and pre-activation gradients of a block to gradients of the parameters, in the order of the layout:
 * each tensor's is a sum over time of an outer product.
 */
import { blockTime, blockWidth } from './autoencoder';
import { outer } from './outer';
import * as m from './plan';
import { ROW } from './plan';

/** Adds the gradients of all windows of the block; a lane takes two windows, if there are more than four. */
export function gradientsOfBlock(accumulate: bool): void {
  const f = m.features, h = m.hidden, z = m.latent, g = m.gates, s = m.span;
  const out = m.gradients;
  // Both halves of a row, one after the other, are twice as many times.
  const parts = blockWidth() == ROW ? 2 : 1;
  const stride = ROW / <usize>parts;
  const time = blockTime() * parts;
  const last = m.encoderInputs + <usize>f * s + <usize>blockTime() * ROW;
  outer(m.encoderInputs, s, f + h + 1, m.encoderGates, s, g, time, stride, out, accumulate);
  outer(
    last, s, h + 1, m.codeSlopes, ROW, z, parts, stride, out + (<usize>m.latentAt << 4), accumulate,
  );
  // With a constant input the sum over time is an outer product with the summed gradients; the bias is its row of 1.
  outer(
    m.code, ROW, z, m.decoderConstant, ROW, g, parts, stride,
    out + (<usize>m.decoderAt << 4), accumulate,
  );
  outer(
    m.decoderInputs, s, h, m.decoderGates, s, g, time, stride,
    out + (<usize>m.decoderRecurrentAt << 4), accumulate,
  );
  outer(
    m.code + <usize>z * ROW, ROW, 1, m.decoderConstant, ROW, g, parts, stride,
    out + (<usize>m.decoderBiasAt << 4), accumulate,
  );
  outer(
    m.decoderInputs + ROW, s, h + 1, m.slopes, s, f, time, stride,
    out + (<usize>m.outputAt << 4), accumulate,
  );
}
