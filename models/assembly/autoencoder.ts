/** The whole network over one block: load, forward, loss, backward, gradients. */
import * as m from './plan';
import { LANES, padded, ROW } from './plan';
import { lstmStep, lstmStepBack } from './lstm';
import { outer, pack, packTransposed, product } from './product';

/** Longest window of the block that is loaded. */
let time: i32 = 0;

/** Packs the flat parameters. Call after every change of them. */
export function packParameters(): void {
  const f = m.features, h = m.hidden, z = m.latent, g = m.gates;
  const p = m.parameters;
  pack(p, f + h + 1, g, m.encoderPanels);
  packTransposed(p + (<usize>(f * g) << 2), h, g, m.encoderBack);
  const latent = p + (<usize>m.latentAt << 2);
  pack(latent, h + 1, z, m.latentPanels);
  packTransposed(latent, h, z, m.latentBack);
  const input = p + (<usize>m.decoderAt << 2);
  const recurrent = p + (<usize>m.decoderRecurrentAt << 2);
  packDecoderInput(input, p + (<usize>m.decoderBiasAt << 2));
  packTransposed(input, z, g, m.decoderInputBack);
  pack(recurrent, h, g, m.decoderPanels);
  packTransposed(recurrent, h, g, m.decoderBack);
  const output = p + (<usize>m.outputAt << 2);
  pack(output, h + 1, f, m.outputPanels);
  packTransposed(output, h, f, m.outputBack);
}

/** The decoder's bias stands behind its recurrent weights; here it is the last row of its input weights. */
function packDecoderInput(input: usize, bias: usize): void {
  const g = m.gates;
  let panels = m.decoderInputPanels;
  for (let j = 0; j < g; j += 4) {
    for (let k = 0; k < m.latent; k++) {
      v128.store(panels, v128.load(input + (<usize>(k * g + j) << 2)));
      panels += 16;
    }
    v128.store(panels, v128.load(bias + (<usize>j << 2)));
    panels += 16;
  }
}

/** Spreads the windows at `inputWindows` over the lanes; lanes from `count` on are empty. */
export function loadBlock(count: i32): void {
  const f = m.features, h = m.hidden;
  const across = <usize>(f + h + 1) * ROW;
  time = 0;
  for (let lane = 0; lane < LANES; lane++) {
    const length = lane < count ? <i32>load<u8>(m.inputLengths + lane) : 0;
    const absent = load<u32>(m.inputMasks + (<usize>lane << 2));
    const at = <usize>lane << 2;
    let columns = 0;
    for (let i = 0; i < f; i++) {
      const here = i >= 32 || ((absent >>> i) & 1) == 0;
      store<i32>(m.present + <usize>i * ROW + at, here ? -1 : 0);
      columns += <i32>here;
    }
    for (let t = 0; t < m.steps; t++) store<i32>(m.valid + <usize>t * ROW + at, t < length ? -1 : 0);
    store<f32>(m.lengthRow + at, <f32>max(length, 1));
    const cells = length * columns;
    store<f32>(m.cellRow + at, cells == 0 ? 0 : <f32>3 / <f32>cells);
    time = max(time, length);
    const window = m.inputWindows + (<usize>(lane * m.steps * f) << 2);
    for (let t = 0; t < length; t++) {
      let from = window + (<usize>(t * f) << 2);
      let to = m.encoderInputs + <usize>t * across + at;
      for (let i = 0; i < f; i++) {
        const here = i >= 32 || ((absent >>> i) & 1) == 0;
        store<f32>(to, here ? load<f32>(from) : 0);
        from += 4;
        to += ROW;
      }
    }
  }
  for (let lane = 0; lane < LANES; lane++) {
    const length = lane < count ? <i32>load<u8>(m.inputLengths + lane) : 0;
    for (let t = length; t < time; t++) {
      const row = m.encoderInputs + <usize>t * across + (<usize>lane << 2);
      for (let i = 0; i < f; i++) store<f32>(row + <usize>i * ROW, 0);
    }
  }
}

/** Leaves states, code and residuals (observed minus reconstructed; 0 in padding and in absent columns). */
export function forward(): void {
  const f = m.features, h = m.hidden, g = m.gates;
  const one = f32x4.splat(1);
  const wide = <usize>h * ROW;

  const encoderAcross = <usize>(f + h + 1) * ROW;
  const stateAt = <usize>f * ROW;
  memory.fill(m.encoderInputs + stateAt, 0, wide);
  memory.fill(m.encoderCells, 0, wide);
  for (let t = 0; t < time; t++) {
    const input = m.encoderInputs + <usize>t * encoderAcross;
    v128.store(input + encoderAcross - ROW, one);
    v128.store(input + encoderAcross - ROW, one, 16);
    const gate = m.encoderGates + <usize>(t * g) * ROW;
    product(m.encoderPanels, f + h + 1, h, input, m.zeros, gate);
    const state = input + stateAt;
    lstmStep(gate, m.encoderCells + <usize>t * wide, m.encoderSquashed + <usize>t * wide, state, state + encoderAcross, t);
  }
  const last = m.encoderInputs + <usize>time * encoderAcross + stateAt;
  v128.store(last + wide, one);
  v128.store(last + wide, one, 16);
  product(m.latentPanels, h + 1, padded(m.latent) >> 2, last, m.zeros, m.code);

  const codeEnd = m.code + <usize>m.latent * ROW;
  v128.store(codeEnd, one);
  v128.store(codeEnd, one, 16);
  product(m.decoderInputPanels, m.latent + 1, h, m.code, m.zeros, m.decoderConstant);
  const decoderAcross = <usize>(h + 1) * ROW;
  memory.fill(m.decoderInputs, 0, wide);
  memory.fill(m.decoderCells, 0, wide);
  for (let t = 0; t < time; t++) {
    const state = m.decoderInputs + <usize>t * decoderAcross;
    const next = state + decoderAcross;
    const gate = m.decoderGates + <usize>(t * g) * ROW;
    product(m.decoderPanels, h, h, state, m.decoderConstant, gate);
    lstmStep(gate, m.decoderCells + <usize>t * wide, m.decoderSquashed + <usize>t * wide, state, next, t);
    v128.store(next + wide, one);
    v128.store(next + wide, one, 16);
    const residual = m.residuals + <usize>(t * padded(f)) * ROW;
    product(m.outputPanels, h + 1, padded(f) >> 2, next, m.zeros, residual);
    subtractFromObserved(residual, m.encoderInputs + <usize>t * encoderAcross, t);
  }
}

function subtractFromObserved(residual: usize, observed: usize, t: i32): void {
  const v = m.valid + <usize>t * ROW;
  const end = <usize>m.features * ROW;
  for (let half: usize = 0; half < ROW; half += 16) {
    const inside = v128.load(v + half);
    for (let at = half; at < end; at += ROW) {
      const cell = v128.and(inside, v128.load(m.present + at));
      const r = f32x4.sub(v128.load(observed + at), v128.load(residual + at));
      v128.store(residual + at, v128.and(r, cell));
    }
  }
}

/** Puts the windows' losses at `outputLosses`: 3 × mean Huber (threshold 1) over their cells. */
export function losses(): void {
  const end = <usize>m.features * ROW;
  const one = f32x4.splat(1), half = f32x4.splat(0.5);
  for (let part: usize = 0; part < ROW; part += 16) {
    let sum = f32x4.splat(0);
    for (let t = 0; t < time; t++) {
      const residual = m.residuals + <usize>(t * padded(m.features)) * ROW;
      for (let at = part; at < end; at += ROW) {
        const size = f32x4.abs(v128.load(residual + at));
        const inner = f32x4.min(size, one);
        sum = f32x4.add(sum, f32x4.mul(inner, f32x4.sub(size, f32x4.mul(half, inner))));
      }
    }
    v128.store(m.outputLosses + part, f32x4.mul(sum, v128.load(m.cellRow + part)));
  }
}

/** Gradients of each window's loss by all pre-activations and the code. Overwrites the gates. */
export function backward(): void {
  const f = m.features, h = m.hidden, g = m.gates;
  const wide = <usize>h * ROW;
  const outputRows = <usize>padded(f) * ROW;
  const end = <usize>f * ROW;
  const one = f32x4.splat(1), minusOne = f32x4.splat(-1);
  memory.fill(m.stateSlopes, 0, <usize>padded(h) * ROW);
  memory.fill(m.cellSlopes, 0, wide);
  for (let t = time - 1; t >= 0; t--) {
    const residual = m.residuals + <usize>t * outputRows;
    const slope = m.slopes + <usize>t * outputRows;
    for (let half: usize = 0; half < ROW; half += 16) {
      const factor = f32x4.neg(v128.load(m.cellRow + half));
      for (let at = half; at < end; at += ROW) {
        const held = f32x4.max(f32x4.min(v128.load(residual + at), one), minusOne);
        v128.store(slope + at, f32x4.mul(held, factor));
      }
    }
    product(m.outputBack, f, padded(h) >> 2, slope, m.stateSlopes, m.stateSlopes);
    lstmStepBack(
      m.decoderGates + <usize>(t * g) * ROW, m.decoderCells + <usize>t * wide, m.decoderSquashed + <usize>t * wide,
      m.stateSlopes, m.cellSlopes, m.decoderBack, t,
    );
  }
  // The code enters every step: its gradient is that of the sum of the steps, which `decoderConstant` now holds.
  sumOverTime();
  product(m.decoderInputBack, g, padded(m.latent) >> 2, m.decoderConstant, m.zeros, m.codeSlopes);
  product(m.latentBack, m.latent, padded(h) >> 2, m.codeSlopes, m.zeros, m.stateSlopes);
  memory.fill(m.cellSlopes, 0, wide);
  for (let t = time - 1; t >= 0; t--) {
    lstmStepBack(
      m.encoderGates + <usize>(t * g) * ROW, m.encoderCells + <usize>t * wide, m.encoderSquashed + <usize>t * wide,
      m.stateSlopes, m.cellSlopes, m.encoderBack, t,
    );
  }
}

function sumOverTime(): void {
  const end = <usize>m.gates * ROW;
  memory.fill(m.decoderConstant, 0, end);
  for (let t = 0; t < time; t++) {
    const gate = m.decoderGates + <usize>t * end;
    for (let at: usize = 0; at < end; at += 16) {
      v128.store(m.decoderConstant + at, f32x4.add(v128.load(m.decoderConstant + at), v128.load(gate + at)));
    }
  }
}

/** Gradients of four windows (those of `half`: byte 0 or 16 of the rows) into `gradients`, in the order of the layout. */
export function gradientsOfHalf(half: usize, accumulate: bool): void {
  const f = m.features, h = m.hidden, z = m.latent, g = m.gates;
  const out = m.gradients;
  const gateAcross = <usize>g * ROW;
  const encoderAcross = <usize>(f + h + 1) * ROW;
  const decoderAcross = <usize>(h + 1) * ROW;
  outer(m.encoderInputs + half, encoderAcross, f + h + 1, m.encoderGates + half, gateAcross, g, time, out, accumulate);
  const last = m.encoderInputs + <usize>time * encoderAcross + <usize>f * ROW;
  outer(last + half, 0, h + 1, m.codeSlopes + half, 0, z, 1, out + (<usize>m.latentAt << 4), accumulate);
  // With a constant input the sum over time is an outer product with the summed gradients; the bias is its row of 1.
  outer(m.code + half, 0, z, m.decoderConstant + half, 0, g, 1, out + (<usize>m.decoderAt << 4), accumulate);
  outer(
    m.decoderInputs + half, decoderAcross, h, m.decoderGates + half, gateAcross, g, time,
    out + (<usize>m.decoderRecurrentAt << 4), accumulate,
  );
  outer(
    m.code + <usize>z * ROW + half, 0, 1, m.decoderConstant + half, 0, g, 1, out + (<usize>m.decoderBiasAt << 4), accumulate,
  );
  outer(
    m.decoderInputs + decoderAcross + half, decoderAcross, h + 1, m.slopes + half, <usize>padded(f) * ROW, f, time,
    out + (<usize>m.outputAt << 4), accumulate,
  );
}

/** Copies the residuals out, window by window. */
export function storeResiduals(count: i32): void {
  const f = m.features;
  for (let lane = 0; lane < count; lane++) {
    let out = m.outputResiduals + (<usize>(lane * m.steps * f) << 2);
    for (let t = 0; t < m.steps; t++) {
      let from = m.residuals + <usize>(t * padded(f)) * ROW + (<usize>lane << 2);
      for (let i = 0; i < f; i++) {
        store<f32>(out, t < time ? load<f32>(from) : 0);
        from += ROW;
        out += 4;
      }
    }
  }
}

/** For summaries of the input itself: the observed values of present cells in the place of the residuals. */
export function observe(): void {
  const across = <usize>(m.features + m.hidden + 1) * ROW;
  for (let t = 0; t < time; t++) {
    memory.copy(
      m.residuals + <usize>(t * padded(m.features)) * ROW, m.encoderInputs + <usize>t * across, <usize>m.features * ROW,
    );
  }
}

export function blockTime(): i32 {
  return time;
}
