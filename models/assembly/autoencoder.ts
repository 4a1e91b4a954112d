/** The whole network over one block: load, forward, loss, backward, gradients. */
import { hold } from './activations';
import * as m from './plan';
import { isNumber, LANES, padded, ROW } from './plan';
import { crossEntropies } from './heads';
import { lstmStep, lstmStepBack } from './lstm';
import { pack, packSolo, packTransposed, product } from './product';

/** Longest window of the block that is loaded. */
let time: i32 = 0;
/** Bytes of a row that hold windows: one vector or two. */
let width: usize = ROW;

export function blockTime(): i32 {
  return time;
}

export function blockWidth(): usize {
  return width;
}

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
  packSolo(p, f + h + 1, g, m.encoderSolo);
  packSolo(latent, h + 1, z, m.latentSolo);
  packSolo(input, z, g, m.decoderInputSolo);
  packSolo(recurrent, h, g, m.decoderSolo);
  packSolo(output, h + 1, f, m.outputSolo);
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

// @ts-ignore: decorator
@inline
function isPresent(absent: u32, column: i32): bool {
  return column >= 32 || ((absent >>> column) & 1) == 0;
}

/** Spreads the windows at `inputWindows` over the lanes; lanes from `count` on are empty, in a `solo` block idle. */
export function loadBlock(count: i32, solo: bool): void {
  const f = m.features;
  time = 0;
  width = count > LANES / 2 ? ROW : ROW / 2;
  for (let lane = 0; lane < count; lane++) time = max(time, <i32>load<u8>(m.inputLengths + lane));
  const used = solo ? 1 : LANES;
  for (let lane = 0; lane < used; lane++) {
    const length = lane < count ? <i32>load<u8>(m.inputLengths + lane) : 0;
    const absent = load<u32>(m.inputMasks + (<usize>lane << 2));
    const at = <usize>lane << 2;
    const heads = markPresent(lane, absent);
    for (let t = 0; t < time; t++) store<i32>(m.valid + <usize>t * ROW + at, t < length ? -1 : 0);
    store<f32>(m.lengthRow + at, <f32>max(length, 1));
    const cells = length * heads;
    store<f32>(m.cellRow + at, cells == 0 ? 0 : <f32>3 / <f32>cells);
    const window = m.inputWindows + (<usize>(lane * m.steps * f) << 2);
    for (let i = 0; i < f; i++) {
      const here = load<i32>(m.present + <usize>i * ROW + at) != 0;
      let from = window + (<usize>i << 2);
      let to = m.encoderInputs + <usize>i * m.span + at;
      for (let t = 0; t < time; t++) {
        store<f32>(to, here && t < length ? load<f32>(from) : 0);
        from += <usize>f << 2;
        to += ROW;
      }
    }
  }
}

/** Marks the columns that a window has, and returns how many heads judge them: one a number, one a whole group. */
function markPresent(lane: i32, absent: u32): i32 {
  const present = m.present + (<usize>lane << 2);
  let heads = 0;
  for (let i = 0; i < m.features; i++) {
    const here = isPresent(absent, i);
    store<i32>(present + <usize>i * ROW, here ? -1 : 0);
    heads += <i32>(here && isNumber(i));
  }
  for (let g = 0; g < m.groupCount; g++) {
    const first = m.groupStart(g), end = first + m.groupSize(g);
    let whole = true;
    for (let i = first; i < end; i++) whole = whole && isPresent(absent, i);
    heads += <i32>whole;
    if (!whole) for (let i = first; i < end; i++) store<i32>(present + <usize>i * ROW, 0);
  }
  return heads;
}

/** Zeros at the start of `count` series. */
function clearStart(series: usize, count: i32): void {
  const zero = f32x4.splat(0);
  for (let i = 0; i < count; i++) {
    v128.store(series, zero);
    v128.store(series, zero, 16);
    series += m.span;
  }
}

/** The series that biases are multiplied with. */
function fillOnes(series: usize, count: i32): void {
  const one = f32x4.splat(1);
  for (let t = 0; t < count; t++) {
    v128.store(series, one);
    v128.store(series, one, 16);
    series += ROW;
  }
}

/** Leaves states, code and residuals (observed minus reconstructed; 0 in padding and in absent columns). */
export function forward(): void {
  const f = m.features, h = m.hidden, z = m.latent, s = m.span;

  const encoderState = m.encoderInputs + <usize>f * s;
  fillOnes(encoderState + <usize>h * s, time + 1);
  clearStart(encoderState, h);
  clearStart(m.encoderCells, h);
  for (let t = 0; t < time; t++) {
    const now = <usize>t * ROW;
    product(m.encoderPanels, f + h + 1, h, m.encoderInputs + now, s, m.zeros, ROW, m.encoderGates + now, s);
    lstmStep(m.encoderGates, m.encoderCells, m.encoderSquashed, encoderState, t, width);
  }
  product(m.latentPanels, h + 1, padded(z) >> 2, encoderState + <usize>time * ROW, s, m.zeros, ROW, m.code, ROW);

  fillOnes(m.code + <usize>z * ROW, 1);
  product(m.decoderInputPanels, z + 1, h, m.code, ROW, m.zeros, ROW, m.decoderConstant, ROW);
  fillOnes(m.decoderInputs + <usize>h * s, time + 1);
  clearStart(m.decoderInputs, h);
  clearStart(m.decoderCells, h);
  for (let t = 0; t < time; t++) {
    const now = <usize>t * ROW, next = now + ROW;
    product(m.decoderPanels, h, h, m.decoderInputs + now, s, m.decoderConstant, ROW, m.decoderGates + now, s);
    lstmStep(m.decoderGates, m.decoderCells, m.decoderSquashed, m.decoderInputs, t, width);
    product(m.outputPanels, h + 1, padded(f) >> 2, m.decoderInputs + next, s, m.zeros, ROW, m.residuals + now, s);
  }
  subtractFromObserved();
}

/** Turns outputs into residuals: of a number by subtraction, of a group after a softmax. */
export function subtractFromObserved(): void {
  const duration = <usize>time * ROW;
  for (let i = 0; i < m.features; i++) {
    if (!isNumber(i)) continue;
    const residual = m.residuals + <usize>i * m.span;
    const observed = m.encoderInputs + <usize>i * m.span;
    const here = m.present + <usize>i * ROW;
    for (let half: usize = 0; half < width; half += 16) {
      const present = v128.load(here + half);
      for (let at = half; at < duration; at += ROW) {
        const cell = v128.and(v128.load(m.valid + at), present);
        const r = f32x4.sub(v128.load(observed + at), v128.load(residual + at));
        v128.store(residual + at, v128.and(r, cell));
      }
    }
  }
  crossEntropies(duration, width);
}

/**
 * Puts the windows' losses at `outputLosses`: 3 × the mean over steps and heads of Huber (threshold 1) for a number and of
 * cross-entropy for a group.
 */
export function losses(): void {
  const one = f32x4.splat(1), half = f32x4.splat(0.5);
  const duration = <usize>time * ROW;
  for (let part: usize = 0; part < width; part += 16) {
    let sum = v128.load(m.groupLosses + part);
    for (let i = 0; i < m.features; i++) {
      if (!isNumber(i)) continue;
      const residual = m.residuals + <usize>i * m.span;
      for (let at = part; at < duration; at += ROW) {
        const size = f32x4.abs(v128.load(residual + at));
        const inner = f32x4.pmin(size, one);
        sum = f32x4.add(sum, f32x4.mul(inner, f32x4.sub(size, f32x4.mul(half, inner))));
      }
    }
    v128.store(m.outputLosses + part, f32x4.mul(sum, v128.load(m.cellRow + part)));
  }
}

/** Gradients of each window's loss by all pre-activations and the code. Overwrites the gates. */
export function backward(): void {
  const f = m.features, h = m.hidden, g = m.gates, s = m.span;
  const hiddenPanels = padded(h) >> 2;
  slopesOfLoss();
  memory.fill(m.stateSlopes, 0, <usize>padded(h) * ROW);
  memory.fill(m.cellSlopes, 0, <usize>h * ROW);
  for (let t = time - 1; t >= 0; t--) {
    product(m.outputBack, f, hiddenPanels, m.slopes + <usize>t * ROW, s, m.stateSlopes, ROW, m.stateSlopes, ROW);
    lstmStepBack(m.decoderGates, m.decoderCells, m.decoderSquashed, m.stateSlopes, m.cellSlopes, m.decoderBack, t);
  }
  // The code enters every step: its gradient is that of the sum of the steps, which `decoderConstant` now holds.
  sumOverTime();
  product(m.decoderInputBack, g, padded(m.latent) >> 2, m.decoderConstant, ROW, m.zeros, ROW, m.codeSlopes, ROW);
  product(m.latentBack, m.latent, hiddenPanels, m.codeSlopes, ROW, m.zeros, ROW, m.stateSlopes, ROW);
  memory.fill(m.cellSlopes, 0, <usize>h * ROW);
  for (let t = time - 1; t >= 0; t--) {
    lstmStepBack(m.encoderGates, m.encoderCells, m.encoderSquashed, m.stateSlopes, m.cellSlopes, m.encoderBack, t);
  }
}

function slopesOfLoss(): void {
  const duration = <usize>time * ROW;
  for (let i = 0; i < m.features; i++) {
    const residual = m.residuals + <usize>i * m.span;
    const slope = m.slopes + <usize>i * m.span;
    const limit = load<f32>(m.limits + (<usize>i << 2));
    for (let at: usize = 0; at < duration; at += 16) {
      const factor = f32x4.neg(v128.load(m.cellRow + (at & 16)));
      v128.store(slope + at, f32x4.mul(hold(v128.load(residual + at), limit), factor));
    }
  }
}

function sumOverTime(): void {
  const duration = <usize>time * ROW;
  for (let i = 0; i < m.gates; i++) {
    const gate = m.decoderGates + <usize>i * m.span;
    let low = f32x4.splat(0), high = low;
    for (let at: usize = 0; at < duration; at += ROW) {
      low = f32x4.add(low, v128.load(gate + at));
      high = f32x4.add(high, v128.load(gate + at, 16));
    }
    v128.store(m.decoderConstant + <usize>i * ROW, low);
    v128.store(m.decoderConstant + <usize>i * ROW, high, 16);
  }
}

/** Copies the residuals out, window by window. */
export function storeResiduals(count: i32): void {
  const f = m.features;
  for (let lane = 0; lane < count; lane++) {
    let out = m.outputResiduals + (<usize>(lane * m.steps * f) << 2);
    for (let t = 0; t < m.steps; t++) {
      let from = m.residuals + <usize>t * ROW + (<usize>lane << 2);
      for (let i = 0; i < f; i++) {
        store<f32>(out, t < time ? load<f32>(from) : 0);
        from += m.span;
        out += 4;
      }
    }
  }
}

/** For summaries of the input itself: the observed values of present cells in the place of the residuals. */
export function observe(): void {
  memory.copy(m.residuals, m.encoderInputs, <usize>m.features * m.span);
}
