/**
 * The kernel: an LSTM autoencoder over blocks of eight windows. Whoever calls writes parameters, windows, lengths and
 * masks at the addresses below, calls, and reads the outputs; `src/kernel/kernel.ts` is that caller and checks bounds.
 */
import * as m from './plan';
import { exp, log, sigmoid, tanh } from './activations';
import {
  backward,
  blockTime,
  forward,
  loadBlock,
  losses,
  observe,
  packParameters,
  storeResiduals,
} from './autoencoder';
import { gradientsOfBlock } from './gradients';
import { forwardSolo } from './solo';
import { distances, storeSummaries, summarise } from './summary';
import { splitBlock } from './window-gradient';

export { plan, setGroups } from './plan';
export { addRounded, beginSum, flush, takeRounded } from './clipped-sum';
export { packParameters } from './autoencoder';
export { packWhitening } from './summary';
export { formWindow } from './window-gradient';

export function parametersAt(): usize {
  return m.parameters;
}
export function windowsAt(): usize {
  return m.inputWindows;
}
export function lengthsAt(): usize {
  return m.inputLengths;
}
export function masksAt(): usize {
  return m.inputMasks;
}
export function residualsAt(): usize {
  return m.outputResiduals;
}
export function lossesAt(): usize {
  return m.outputLosses;
}
export function summariesAt(): usize {
  return m.outputSummaries;
}
export function distancesAt(): usize {
  return m.outputDistances;
}
export function gradientAt(): usize {
  return m.outputGradient;
}
export function sumsAt(): usize {
  return m.outputSums;
}
export function groupsAt(): usize {
  return m.groups;
}
export function whiteningIndexesAt(): usize {
  return m.whiteningIndexes;
}
export function whiteningMeanAt(): usize {
  return m.whiteningMean;
}
export function whiteningFactorAt(): usize {
  return m.whiteningFactor;
}

function loadAndForward(count: i32): void {
  const solo = count == 1;
  loadBlock(count, solo);
  if (solo) forwardSolo(blockTime());
  else forward();
}

export function reconstruct(count: i32): void {
  loadAndForward(count);
  storeResiduals(count);
}

export function measureLosses(count: i32): void {
  loadAndForward(count);
  losses();
}

/** Summaries of the residuals, or with `raw` of the windows themselves. */
export function measureSummaries(count: i32, raw: bool): void {
  if (raw) {
    loadBlock(count, false);
    observe();
  } else loadAndForward(count);
  summarise();
  storeSummaries(count);
}

/** Squared distances of the summaries under the whitening of `d` entries. */
export function measureDistances(count: i32, raw: bool, d: i32): void {
  measureSummaries(count, raw);
  distances(d, count == 1);
}

/** Plain gradient: `first` starts a sum, the windows' gradients are added with equal weight. */
export function addGradient(count: i32, first: bool): void {
  loadBlock(count, false);
  forward();
  losses();
  backward();
  gradientsOfBlock(!first);
}

/** Writes `scale` × the sum at `gradientAt`. */
export function endGradient(scale: f32): void {
  const end = m.gradients + ((<usize>m.parameterCount) << 4);
  let out = m.outputGradient;
  for (let g = m.gradients; g < end; g += 16) {
    const v = v128.load(g);
    const total =
      f32x4.extract_lane(v, 0) +
      f32x4.extract_lane(v, 1) +
      (f32x4.extract_lane(v, 2) + f32x4.extract_lane(v, 3));
    store<f32>(out, total * scale);
    out += 4;
  }
}

/** Readies the block for `formWindow`, of which `byGram` says where norms come from. */
export function differentiate(count: i32, byGram: bool): void {
  loadBlock(count, false);
  forward();
  backward();
  splitBlock(byGram);
}

/** For tests of the error bounds: function 0 exp, 1 sigmoid, 2 tanh, 3 log of `n` floats (a multiple of 4) at `windowsAt`, in place. */
export function activate(which: i32, n: i32): void {
  const end = m.inputWindows + ((<usize>n) << 2);
  for (let at = m.inputWindows; at < end; at += 16) {
    const x = v128.load(at);
    v128.store(at, which == 0 ? exp(x) : which == 1 ? sigmoid(x) : which == 2 ? tanh(x) : log(x));
  }
}
