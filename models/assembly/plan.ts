/**
 * Sizes of the network and places of its buffers in memory. Set once by `plan`, read everywhere.
 *
 * Windows stand in lanes: a *row* is one number of eight windows (32 bytes, two vectors), so no size needs padding to
 * a vector and no window's result depends on its neighbours. A *series* is the rows of one number over time, `span` bytes
 * long; an odd count of cache lines, so that walking across series does not fall on few cache sets. A *panel* is four
 * outputs of a matrix side by side, padded with zeros, so that a product walks its weights in one straight line.
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
/** Bytes from one series to the next. */
export let span: usize = 0;

/** Offsets of the fused tensors in the flat vector, in parameters. */
export let latentAt: i32 = 0;
export let decoderAt: i32 = 0;
export let decoderRecurrentAt: i32 = 0;
export let decoderBiasAt: i32 = 0;
export let outputAt: i32 = 0;

// Parameters: flat, and packed into panels: for blocks in both directions, for one window alone.
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
export let encoderSolo: usize = 0;
export let latentSolo: usize = 0;
export let decoderInputSolo: usize = 0;
export let decoderSolo: usize = 0;
export let outputSolo: usize = 0;

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

// Columns that stand for one category together; all others are numbers.
export let groups: usize = 0; // [groupCount] of two uint32: first column, columns
export let groupCount: i32 = 0;
export let limits: usize = 0; // [features]: largest slope of a column's loss, infinite in a group

// One block, in rows.
export let present: usize = 0; // [features] all bits set where the column is present
export let valid: usize = 0; // one series: all bits set where the step is inside the window
export let lengthRow: usize = 0; // the length as a float, at least 1
export let cellRow: usize = 0; // 3 / cells, 0 in an unused lane
export let code: usize = 0; // [latent, padded, + 1]
export let decoderConstant: usize = 0; // [gates]: the code's part of the gates, the same in each step
export let stateSlopes: usize = 0; // [hidden, padded]
export let cellSlopes: usize = 0; // [hidden]
export let codeSlopes: usize = 0; // [latent, padded]
export let zeros: usize = 0;
export let groupLosses: usize = 0; // the groups' cross-entropies, summed
export let summaries: usize = 0; // [3 features]
export let deviations: usize = 0; // [3 features, padded]
export let whitened: usize = 0; // [4]

// One block, in series. Inputs and cells hold what was before each step.
export let encoderInputs: usize = 0; // [features + hidden + 1]: x, h, 1
export let encoderGates: usize = 0; // [gates], later their gradients
export let encoderCells: usize = 0; // [hidden]
export let encoderSquashed: usize = 0; // [hidden]: tanh of the cell after
export let decoderInputs: usize = 0; // [hidden + 1]: h, 1
export let decoderGates: usize = 0;
export let decoderCells: usize = 0;
export let decoderSquashed: usize = 0;
export let residuals: usize = 0; // [features, padded]
export let slopes: usize = 0; // [features, padded]: gradient of the loss by the reconstruction

// One window alone, in plain vectors.
export let soloInput: usize = 0; // [features + hidden + 1]
export let soloGates: usize = 0;
export let soloCells: usize = 0;
export let soloCode: usize = 0;
export let soloConstant: usize = 0;
export let soloOutput: usize = 0;

// Four windows or more, added up in the lanes.
export let gradients: usize = 0; // [parameters] of float32x4

// One window's gradient by itself: tensors as in the layout, their rows padded to whole vectors, the end to eight of them.
export let windowGradient: usize = 0; // [windowCount]
export let windowCount: i32 = 0;
export let sums: usize = 0; // [windowCount] of int32

// The gradients of a window's pre-activations, window after window: panels of four numbers over time.
export let windowSlopes: usize = 0;
export let slopeBytes: usize = 0; // of one window
export let decoderSlopesAt: usize = 0;
export let outputSlopesAt: usize = 0;
export let codeSlopesAt: usize = 0;
export let constantSlopesAt: usize = 0;
export let squaredNorms: usize = 0; // [LANES] of float64: Gram norms

// Whitening of one stratum.
export let whiteningIndexes: usize = 0; // [d] uint32: entries of the summary
export let whiteningMean: usize = 0; // [d]
export let whiteningFactor: usize = 0; // [d (d + 1) / 2]
export let whiteningPanels: usize = 0; // of four rows, see `packWhitening`

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

function series(count: i32): usize {
  return take(<usize>count * span);
}

function floats(count: i32): usize {
  // Vectors may reach past the end.
  return take(((<usize>count) << 2) + 32);
}

function panels(inputs: i32, outputs: i32): usize {
  return take((<usize>(inputs * padded(outputs))) << 2);
}

/** Lays the buffers out and returns the bytes of memory that they need. `setGroups` follows, once they are there. */
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
  span = ((<usize>(t + 1) * ROW + 63) & ~63) | 64;

  top = (__heap_base + 63) & ~63;
  parameters = floats(parameterCount);
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
  encoderSolo = panels(f + h + 1, gates);
  latentSolo = panels(h + 1, z);
  decoderInputSolo = panels(z, gates);
  decoderSolo = panels(h, gates);
  outputSolo = panels(h + 1, f);

  inputWindows = take((<usize>(LANES * t * f)) << 2);
  inputLengths = take(LANES);
  inputMasks = take(LANES << 2);
  outputResiduals = take((<usize>(LANES * t * f)) << 2);
  outputLosses = take(LANES << 2);
  outputSummaries = take((<usize>(LANES * 3 * f)) << 2);
  outputDistances = take(LANES << 2);
  outputGradient = take((<usize>parameterCount) << 2);
  outputSums = take((<usize>parameterCount) << 3);
  groups = take((<usize>f) << 2);
  limits = take((<usize>f) << 2);
  groupCount = 0;

  present = rows(f);
  valid = rows(t);
  lengthRow = rows(1);
  cellRow = rows(1);
  code = rows(padded(z) + 1);
  decoderConstant = rows(gates);
  stateSlopes = rows(padded(h));
  cellSlopes = rows(h);
  codeSlopes = rows(padded(z));
  zeros = rows(padded(max(gates, max(f, z))));
  groupLosses = rows(1);
  summaries = rows(3 * f);
  deviations = rows(padded(3 * f));
  whitened = rows(4);

  encoderInputs = series(f + h + 1);
  encoderGates = series(gates);
  encoderCells = series(h);
  encoderSquashed = series(h);
  decoderInputs = series(h + 1);
  decoderGates = series(gates);
  decoderCells = series(h);
  decoderSquashed = series(h);
  residuals = series(padded(f));
  slopes = series(padded(f));

  soloInput = floats(f + h + 1);
  soloGates = floats(gates);
  soloCells = floats(h);
  soloCode = floats(z + 1);
  soloConstant = floats(gates);
  soloOutput = floats(f);

  gradients = take((<usize>parameterCount) << 4);
  const inner = parameterCount - (h + 1) * (z + f);
  windowCount = (inner + (h + 1) * (padded(z) + padded(f)) + 31) & ~31;
  windowGradient = take((<usize>windowCount) << 2);
  sums = take((<usize>windowCount) << 2);
  decoderSlopesAt = (<usize>(t * gates)) << 2;
  outputSlopesAt = decoderSlopesAt << 1;
  codeSlopesAt = outputSlopesAt + ((<usize>(t * padded(f))) << 2);
  constantSlopesAt = codeSlopesAt + ((<usize>padded(z)) << 2);
  slopeBytes = constantSlopesAt + ((<usize>gates) << 2);
  windowSlopes = take(<usize>LANES * slopeBytes);
  squaredNorms = take(LANES << 3);
  const d = 3 * f;
  whiteningIndexes = take((<usize>d) << 2);
  whiteningMean = take((<usize>d) << 2);
  whiteningFactor = take((<usize>(d * (d + 1))) << 1);
  // Panel p has 4 (p + 1) steps of four floats.
  const panelCount = padded(d) >> 2;
  whiteningPanels = take((<usize>(panelCount * (panelCount + 1))) << 5);
  return top;
}

/** Takes the `count` groups of columns that stand at `groups`. */
export function setGroups(count: i32): void {
  groupCount = count;
  for (let i = 0; i < features; i++) store<f32>(limits + ((<usize>i) << 2), 1);
  for (let g = 0; g < count; g++) {
    const end = groupStart(g) + groupSize(g);
    for (let i = groupStart(g); i < end; i++) store<f32>(limits + ((<usize>i) << 2), Infinity);
  }
}

export function groupStart(g: i32): i32 {
  return load<i32>(groups + ((<usize>g) << 3));
}

export function groupSize(g: i32): i32 {
  return load<i32>(groups + ((<usize>g) << 3), 4);
}

// @ts-ignore: decorator
@inline
export function isNumber(column: i32): bool {
  return load<f32>(limits + ((<usize>column) << 2)) == 1;
}
