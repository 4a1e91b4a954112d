/**
 * The one door to the WebAssembly module: owns its memory, checks bounds, copies in and out.
 * @module
 */
import { layoutOf, type Architecture, type ParameterLayout } from '../architecture/index.js';
import { KernelError } from '../errors.js';
import { instantiateKernel, type KernelExports } from './module.js';

/**
 * Windows side by side. `columnMask` names absent columns (bit i = column i; a number holds for all windows, an array has
 * one entry per window): they are neither read nor reconstructed. Rows at or after a window's length are never read.
 */
export interface WindowBatch {
  /** `[windows, steps, features]`, standardised. */
  readonly windows: Float32Array;
  /** `[windows]`, each 1 … steps. */
  readonly lengths: Uint8Array;
  readonly columnMask?: number | Uint32Array;
}

export interface ClippedSumRequest extends WindowBatch {
  /** `[windows]`, the Poisson mask: windows with 0 are not even read. */
  readonly select: Uint8Array;
  /** L2 bound C on one window's gradient. */
  readonly clippingNorm: number;
  /** Grid units per unit of gradient, D / C. */
  readonly gridScale: number;
  /** D: bound on the L2 norm of one window's integer vector, checked exactly. */
  readonly sensitivityUnits: number;
  /** `[parameterCount]`, exact integers; the sum is added to what is there. */
  readonly out: Float64Array;
}

/** Private facts: they stay in the hospital. */
export interface ClippedSumReport {
  readonly contributing: number;
  readonly clipped: number;
  readonly nonFinite: number;
}

export interface Kernel {
  readonly architecture: Architecture;
  readonly layout: ParameterLayout;
  setParameters(parameters: Float32Array): void;
  /** Observed minus reconstructed, `[windows, steps, features]`; 0 in padding and in absent columns. */
  reconstruct(batch: WindowBatch): Float32Array;
  /** Loss of each window: 3 × mean Huber over its unpadded, present cells (training-recipe.md 2.4). */
  losses(batch: WindowBatch): Float32Array;
  /** Gradient of the mean loss of the batch. */
  gradient(batch: WindowBatch): { gradient: Float32Array; loss: number };
  clippedSum(request: ClippedSumRequest): ClippedSumReport;
  /** Per column mean, largest absolute value and standard deviation of the residuals, `[windows, 3 · features]`. */
  summary(batch: WindowBatch, of?: SummarySource): Float32Array;
  /** Squared Mahalanobis distance of the summaries' present entries, `[windows]`. */
  squaredDistances(batch: WindowBatch, whitening: Whitening, of?: SummarySource): Float32Array;
}

/** What is summarised: what the network missed, or (the control) what it saw. */
export type SummarySource = 'residuals' | 'features';

/**
 * Not to be changed once it was used: a kernel keeps the last one it has packed.
 * Mean and inverse Cholesky factor over d entries: those of the columns outside `columnMask`, in summary order.
 */
export interface Whitening {
  readonly columnMask: number;
  /** `[d]` */
  readonly mean: Float32Array;
  /** Lower triangle of L⁻¹ with Σ = L Lᵀ, row by row, `[d (d + 1) / 2]`. */
  readonly whitening: Float32Array;
}

/** Windows in one pass of the module. */
const BLOCK = 8;
const PAGE_BYTES = 65_536;
/** 32-bit lanes hold the sum of many windows below this. */
const SENSITIVITY_MAX = 2 ** 22;

/**
 * A kernel with memory of its own for one shape; several shapes stand side by side. All parameters are 0 at first.
 * @throws {ArchitectureError} `ERR_ARCHITECTURE`
 */
export function createKernel(architecture: Architecture): Kernel {
  return new WasmKernel(layoutOf(architecture));
}

class WasmKernel implements Kernel {
  readonly architecture: Architecture;
  readonly layout: ParameterLayout;
  readonly #wasm: KernelExports;
  readonly #parameters: Float32Array;
  readonly #windows: Float32Array;
  readonly #lengths: Uint8Array;
  readonly #masks: Uint32Array;
  #whitening: Whitening | undefined;

  constructor(layout: ParameterLayout) {
    this.layout = layout;
    this.architecture = layout.architecture;
    const { steps, features, hidden, latent } = layout.architecture;
    this.#wasm = instantiateKernel();
    const needed = this.#wasm.plan(steps, features, hidden, latent);
    const missing = needed - this.#wasm.memory.buffer.byteLength;
    // Views into the memory stay valid because it grows only here.
    if (missing > 0) this.#wasm.memory.grow(Math.ceil(missing / PAGE_BYTES));
    this.#parameters = this.#floats(this.#wasm.parametersAt(), layout.parameterCount);
    this.#windows = this.#floats(this.#wasm.windowsAt(), BLOCK * steps * features);
    this.#lengths = new Uint8Array(this.#wasm.memory.buffer, this.#wasm.lengthsAt(), BLOCK);
    this.#masks = new Uint32Array(this.#wasm.memory.buffer, this.#wasm.masksAt(), BLOCK);
    this.#wasm.packParameters();
  }

  setParameters(parameters: Float32Array): void {
    const { parameterCount } = this.layout;
    if (parameters.length !== parameterCount) {
      throw refuse(
        'ERR_KERNEL_PARAMETERS',
        'parameters',
        `${parameterCount} entries`,
        parameters.length,
      );
    }
    const bad = parameters.findIndex((value) => !Number.isFinite(value));
    if (bad !== -1) {
      throw refuse(
        'ERR_KERNEL_PARAMETERS',
        `parameters[${bad}]`,
        'a finite number',
        parameters[bad]!,
      );
    }
    this.#parameters.set(parameters);
    this.#wasm.packParameters();
  }

  reconstruct(batch: WindowBatch): Float32Array {
    const { steps, features } = this.architecture;
    return this.#gather(batch, steps * features, this.#wasm.residualsAt(), (count) => {
      this.#wasm.reconstruct(count);
    });
  }

  losses(batch: WindowBatch): Float32Array {
    return this.#gather(batch, 1, this.#wasm.lossesAt(), (count) => {
      this.#wasm.measureLosses(count);
    });
  }

  summary(batch: WindowBatch, of: SummarySource = 'residuals'): Float32Array {
    const raw = of === 'features' ? 1 : 0;
    return this.#gather(
      batch,
      3 * this.architecture.features,
      this.#wasm.summariesAt(),
      (count) => {
        this.#wasm.measureSummaries(count, raw);
      },
    );
  }

  squaredDistances(
    batch: WindowBatch,
    whitening: Whitening,
    of: SummarySource = 'residuals',
  ): Float32Array {
    const raw = of === 'features' ? 1 : 0;
    const width = this.#loadWhitening(whitening);
    return this.#gather(batch, 1, this.#wasm.distancesAt(), (count) => {
      this.#wasm.measureDistances(count, raw, width);
    });
  }

  gradient(batch: WindowBatch): { gradient: Float32Array; loss: number } {
    const count = this.#checkBatch(batch);
    this.#checkFinite(batch);
    const losses = this.#floats(this.#wasm.lossesAt(), BLOCK);
    let total = 0;
    for (let start = 0; start < count; start += BLOCK) {
      const size = Math.min(BLOCK, count - start);
      for (let i = 0; i < size; i++) this.#load(batch, start + i, i);
      this.#wasm.addGradient(size, start === 0 ? 1 : 0);
      for (let i = 0; i < size; i++) total += losses[i]!;
    }
    this.#wasm.endGradient(1 / count);
    const gradient = this.#floats(this.#wasm.gradientAt(), this.layout.parameterCount).slice();
    return { gradient, loss: total / count };
  }

  clippedSum(request: ClippedSumRequest): ClippedSumReport {
    const count = this.#checkBatch(request, true);
    const { select, sensitivityUnits, gridScale, clippingNorm, out } = request;
    checkSum(request, count, this.layout.parameterCount);
    this.#wasm.beginClippedSum(
      sensitivityUnits,
      gridScale,
      roundingTarget(
        Math.min(sensitivityUnits, gridScale * clippingNorm),
        this.layout.parameterCount,
      ),
    );
    let loaded = 0;
    for (let i = 0; i < count; i++) {
      if (select[i] === 0) continue;
      this.#load(request, i, loaded++);
      if (loaded === BLOCK) {
        this.#wasm.addClipped(loaded);
        loaded = 0;
      }
    }
    if (loaded > 0) this.#wasm.addClipped(loaded);
    this.#wasm.endClippedSum();
    const { parameterCount } = this.layout;
    const sums = new Float64Array(this.#wasm.memory.buffer, this.#wasm.sumsAt(), parameterCount);
    for (let i = 0; i < parameterCount; i++) out[i]! += sums[i]!;
    return {
      contributing: this.#wasm.contributingCount(),
      clipped: this.#wasm.clippedCount(),
      nonFinite: this.#wasm.nonFiniteCount(),
    };
  }

  /** Runs `pass` over blocks and collects `width` outputs a window from `address`. */
  #gather(
    batch: WindowBatch,
    width: number,
    address: number,
    pass: (count: number) => void,
  ): Float32Array {
    const count = this.#checkBatch(batch);
    this.#checkFinite(batch);
    const outputs = this.#floats(address, BLOCK * width);
    const all = new Float32Array(count * width);
    for (let start = 0; start < count; start += BLOCK) {
      const size = Math.min(BLOCK, count - start);
      for (let i = 0; i < size; i++) this.#load(batch, start + i, i);
      pass(size);
      all.set(outputs.subarray(0, size * width), start * width);
    }
    return all;
  }

  #load({ windows, lengths, columnMask }: WindowBatch, index: number, lane: number): void {
    const cells = this.architecture.steps * this.architecture.features;
    this.#windows.set(windows.subarray(index * cells, (index + 1) * cells), lane * cells);
    this.#lengths[lane] = lengths[index]!;
    this.#masks[lane] = maskOf(columnMask, index);
  }

  #loadWhitening(given: Whitening): number {
    if (given === this.#whitening) return given.mean.length;
    const { columnMask, mean, whitening } = given;
    const { features } = this.architecture;
    const indexes: number[] = [];
    for (let entry = 0; entry < 3 * features; entry++) {
      const column = entry % features;
      if (column >= 32 || ((columnMask >>> column) & 1) === 0) indexes.push(entry);
    }
    const width = indexes.length;
    const triangle = (width * (width + 1)) / 2;
    if (mean.length !== width)
      throw refuse('ERR_KERNEL_WHITENING', 'mean', `${width} entries`, mean.length);
    if (whitening.length !== triangle) {
      throw refuse('ERR_KERNEL_WHITENING', 'whitening', `${triangle} entries`, whitening.length);
    }
    const { buffer } = this.#wasm.memory;
    new Uint32Array(buffer, this.#wasm.whiteningIndexesAt(), width).set(indexes);
    this.#floats(this.#wasm.whiteningMeanAt(), width).set(mean);
    this.#floats(this.#wasm.whiteningFactorAt(), triangle).set(whitening);
    this.#wasm.packWhitening(width);
    this.#whitening = given;
    return width;
  }

  /** Number of windows; an empty batch is an error unless allowed (an empty Poisson sample is none). */
  #checkBatch({ windows, lengths, columnMask }: WindowBatch, emptyAllowed = false): number {
    const { steps, features } = this.architecture;
    const count = lengths.length;
    if (count === 0 && !emptyAllowed)
      throw refuse('ERR_KERNEL_BATCH', 'lengths', 'at least one window', 0);
    if (windows.length !== count * steps * features) {
      throw refuse(
        'ERR_KERNEL_BATCH',
        'windows',
        `${count} × ${steps} × ${features} entries`,
        windows.length,
      );
    }
    for (let i = 0; i < count; i++) {
      const length = lengths[i]!;
      if (length < 1 || length > steps) {
        throw refuse('ERR_KERNEL_BATCH', `lengths[${i}]`, `1 … ${steps}`, length);
      }
    }
    if (columnMask instanceof Uint32Array && columnMask.length !== count) {
      throw refuse('ERR_KERNEL_BATCH', 'columnMask', `${count} entries`, columnMask.length);
    }
    return count;
  }

  /** NaN and infinity stay outside: a NaN's payload is not specified, so its bits could differ between machines. */
  #checkFinite({ windows, lengths, columnMask }: WindowBatch): void {
    const { steps, features } = this.architecture;
    for (let i = 0; i < lengths.length; i++) {
      const mask = maskOf(columnMask, i);
      const start = i * steps * features;
      const end = start + lengths[i]! * features;
      for (let cell = start; cell < end; cell++) {
        if (Number.isFinite(windows[cell])) continue;
        const column = (cell - start) % features;
        if (column < 32 && ((mask >>> column) & 1) === 1) continue;
        throw refuse('ERR_KERNEL_BATCH', `windows[${cell}]`, 'a finite number', windows[cell]!);
      }
    }
  }

  #floats(address: number, count: number): Float32Array {
    return new Float32Array(this.#wasm.memory.buffer, address, count);
  }
}

function maskOf(columnMask: number | Uint32Array | undefined, index: number): number {
  if (columnMask === undefined) return 0;
  return typeof columnMask === 'number' ? columnMask : columnMask[index]!;
}

/**
 * Where a clipped gradient aims, in grid units: so far below the bound that rounding to nearest, which moves the norm
 * by about `parameterCount / (24 D)` ± 0.3, seldom breaks it. The bias is some 1e-4, far below any noise.
 */
function roundingTarget(bound: number, parameterCount: number): number {
  return Math.max(bound / 2, bound - 2 - parameterCount / (24 * bound));
}

function checkSum(request: ClippedSumRequest, count: number, parameterCount: number): void {
  const { select, clippingNorm, gridScale, sensitivityUnits, out } = request;
  if (select.length !== count)
    throw refuse('ERR_KERNEL_SUM', 'select', `${count} entries`, select.length);
  if (out.length !== parameterCount) {
    throw refuse('ERR_KERNEL_SUM', 'out', `${parameterCount} entries`, out.length);
  }
  if (!(clippingNorm > 0)) throw refuse('ERR_KERNEL_SUM', 'clippingNorm', '> 0', clippingNorm);
  if (!(gridScale > 0 && gridScale < Infinity)) {
    throw refuse('ERR_KERNEL_SUM', 'gridScale', 'finite and > 0', gridScale);
  }
  if (
    !Number.isInteger(sensitivityUnits) ||
    sensitivityUnits < 1 ||
    sensitivityUnits >= SENSITIVITY_MAX
  ) {
    throw refuse(
      'ERR_KERNEL_SUM',
      'sensitivityUnits',
      `1 … ${SENSITIVITY_MAX - 1}`,
      sensitivityUnits,
    );
  }
}

function refuse(code: string, name: string, expected: string, got: number): KernelError {
  return new KernelError(code, `${name}: expected ${expected}, got ${got}`, {
    name,
    expected,
    got: String(got),
  });
}
