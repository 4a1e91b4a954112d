/**
 * Sizes of the network and places of its buffers in memory. Set once by `plan`, read everywhere.
 *
 * Windows stand in lanes: a *row* is one number of eight windows (32 bytes, two vectors), so no size needs padding to
 * a vector and no window's result depends on its neighbours. A *panel* is four outputs of a matrix side by side, padded
 * with zeros, so that a product walks its weights in one straight line.
 */

/** Windows in a block. */
export const LANES: i32 = 8;
/** Bytes of a row. */
export const ROW: usize = 32;

export let steps: i32 = 0;
export let features: i32 = 0;
export let hidden: i32 = 0;
export let latent: i32 = 0;
export let gates: i32 = 0;
export let parameterCount: i32 = 0;

/** Offsets of the fused tensors in the flat vector, in parameters. */
export let latentAt: i32 = 0;
export let decoderAt: i32 = 0;
export let decoderRecurrentAt: i32 = 0;
export let decoderBiasAt: i32 = 0;
export let outputAt: i32 = 0;

// Parameters: flat, and packed into panels in both directions.
export let parameters: usize = 0;
export let encoderPanels: usize = 0;
export let latentPanels: usize = 0;
export let decoderInputPanels: usize = 0;
export let decoderPanels: usize = 0;
export let outputPanels: usize = 0;
export let encoderBack: usize = 0;
export let latentBack: usize = 0;
export let decoderInputBack: usize = 0;
export let decoderBack: usize = 0;
export let outputBack: usize = 0;

// What comes in and goes out, window by window.
export let inputWindows: usize = 0;
export let inputLengths: usize = 0;
export let inputMasks: usize = 0;
export let outputResiduals: usize = 0;
export let outputLosses: usize = 0;
export let outputSummaries: usize = 0;
export let outputDistances: usize = 0;
export let outputGradient: usize = 0;
export let outputSums: usize = 0;

// One block, in rows.
export let present: usize = 0; // [features] all bits set where the column is present
export let valid: usize = 0; // [steps] all bits set where the step is inside the window
export let lengthRow: usize = 0; // the length as a float, at least 1
export let cellRow: usize = 0; // 3 / cells, 0 in an unused lane
export let encoderInputs: usize = 0; // [steps + 1, features + hidden + 1]: x, h before, 1
export let encoderGates: usize = 0; // [steps, gates], later their gradients
export let encoderCells: usize = 0; // [steps + 1, hidden]
export let encoderSquashed: usize = 0; // [steps, hidden]: tanh of the cell
export let code: usize = 0; // [latent, padded, + 1]
export let decoderConstant: usize = 0; // [gates]: the code's part of the gates, the same in each step
export let decoderInputs: usize = 0; // [steps + 1, hidden + 1]: h before, 1
export let decoderGates: usize = 0;
export let decoderCells: usize = 0;
export let decoderSquashed: usize = 0;
export let residuals: usize = 0; // [steps, features, padded]
export let slopes: usize = 0; // [steps, features, padded]: gradient of the loss by the reconstruction
export let stateSlopes: usize = 0; // [hidden, padded]
export let cellSlopes: usize = 0; // [hidden]
export let codeSlopes: usize = 0; // [latent, padded]
export let zeros: usize = 0;
export let summaries: usize = 0; // [3 features]
export let deviations: usize = 0; // [3 features]

// One half block: gradients of four windows side by side.
export let gradients: usize = 0; // [parameters] of float32x4, later int32x4
export let laneSums: usize = 0; // [parameters] of int32x4

// Whitening of one stratum.
export let whiteningIndexes: usize = 0; // [d] uint32: entries of the summary
export let whiteningMean: usize = 0; // [d]
export let whiteningFactor: usize = 0; // [d (d + 1) / 2]

let top: usize = 0;

function take(bytes: usize): usize {
  const at = top;
  top += (bytes + 63) & ~63;
  return at;
}

function rows(count: i32): usize {
  return take(<usize>count * ROW);
}

/** Multiple of four at or above n. */
export function padded(n: i32): i32 {
  return (n + 3) & ~3;
}

function panels(inputs: i32, outputs: i32): usize {
  return take(<usize>(inputs * padded(outputs)) << 2);
}

/** Lays the buffers out and returns the bytes of memory that they need. */
export function plan(t: i32, f: i32, h: i32, z: i32): usize {
  steps = t;
  features = f;
  hidden = h;
  latent = z;
  gates = h << 2;
  latentAt = (f + h + 1) * gates;
  decoderAt = latentAt + (h + 1) * z;
  decoderRecurrentAt = decoderAt + z * gates;
  decoderBiasAt = decoderRecurrentAt + h * gates;
  outputAt = decoderBiasAt + gates;
  parameterCount = outputAt + (h + 1) * f;

  top = (__heap_base + 63) & ~63;
  parameters = take(<usize>parameterCount << 2);
  encoderPanels = panels(f + h + 1, gates);
  latentPanels = panels(h + 1, z);
  decoderInputPanels = panels(z + 1, gates);
  decoderPanels = panels(h, gates);
  outputPanels = panels(h + 1, f);
  encoderBack = panels(gates, h);
  latentBack = panels(z, h);
  decoderInputBack = panels(gates, z);
  decoderBack = panels(gates, h);
  outputBack = panels(f, h);

  inputWindows = take(<usize>(LANES * t * f) << 2);
  inputLengths = take(LANES);
  inputMasks = take(LANES << 2);
  outputResiduals = take(<usize>(LANES * t * f) << 2);
  outputLosses = take(LANES << 2);
  outputSummaries = take(<usize>(LANES * 3 * f) << 2);
  outputDistances = take(LANES << 2);
  outputGradient = take(<usize>parameterCount << 2);
  outputSums = take(<usize>parameterCount << 3);

  present = rows(f);
  valid = rows(t);
  lengthRow = rows(1);
  cellRow = rows(1);
  encoderInputs = rows((t + 1) * (f + h + 1));
  encoderGates = rows(t * gates);
  encoderCells = rows((t + 1) * h);
  encoderSquashed = rows(t * h);
  code = rows(padded(z) + 1);
  decoderConstant = rows(gates);
  decoderInputs = rows((t + 1) * (h + 1));
  decoderGates = rows(t * gates);
  decoderCells = rows((t + 1) * h);
  decoderSquashed = rows(t * h);
  residuals = rows(t * padded(f));
  slopes = rows(t * padded(f));
  stateSlopes = rows(padded(h));
  cellSlopes = rows(h);
  codeSlopes = rows(padded(z));
  zeros = rows(padded(max(gates, max(f, z))));
  summaries = rows(3 * f);
  deviations = rows(3 * f);
  gradients = take(<usize>parameterCount << 4);
  laneSums = take(<usize>parameterCount << 4);
  const d = 3 * f;
  whiteningIndexes = take(<usize>d << 2);
  whiteningMean = take(<usize>d << 2);
  whiteningFactor = take(<usize>(d * (d + 1)) << 1);
  return top;
}
