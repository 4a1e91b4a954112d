/**
 * Owner of one instance's memory: copies windows in and results out, eight at a time. Everything is checked at the door.
 * @module
 */
import { layoutOf, type Architecture, type ParameterLayout } from '../architecture/index.js';
import type {
  ClippedSumReport,
  ClippedSumRequest,
  Kernel,
  SummarySource,
  Whitening,
  WindowBatch,
} from './kernel.js';
import {
  BLOCK,
  cheaperNorm,
  jointClippedSum,
  type SummingKernel,
  type WindowGradients,
} from './clipped-sum.js';
import {
  checkBatch,
  checkFinite,
  checkParameters,
  maskOf,
  whitenedEntries,
} from './kernel-door.js';
import { instantiateKernel, type KernelExports } from './module.js';

const PAGE_BYTES = 65_536;

/**
 * A kernel with memory of its own for one shape; several shapes stand side by side. All parameters are 0 at first.
 * @throws {ArchitectureError} `ERR_ARCHITECTURE`
 */
export function createKernel(architecture: Architecture): Kernel {
  return new WasmKernel(layoutOf(architecture));
}

class WasmKernel implements Kernel, SummingKernel {
  readonly architecture: Architecture;
  readonly layout: ParameterLayout;
  readonly #wasm: KernelExports;
  readonly #parameters: Float32Array;
  readonly #windows: Float32Array;
  readonly #lengths: Uint8Array;
  readonly #masks: Uint32Array;
  readonly #sums: Float64Array;
  #whitening: Whitening | undefined;
  /** Where the norms of the block that is differentiated come from. */
  #byGram: 0 | 1 = 0;

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
    this.#sums = new Float64Array(
      this.#wasm.memory.buffer,
      this.#wasm.sumsAt(),
      layout.parameterCount,
    );
    const groups = layout.architecture.groups ?? [];
    new Uint32Array(this.#wasm.memory.buffer, this.#wasm.groupsAt(), 2 * groups.length).set(
      groups.flatMap(({ first, size }) => [first, size]),
    );
    this.#wasm.setGroups(groups.length);
    this.#wasm.packParameters();
  }

  setParameters(parameters: Float32Array): void {
    checkParameters(parameters, this.layout.parameterCount);
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
    const count = checkBatch(batch, this.architecture);
    checkFinite(batch, this.architecture);
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

  clippedSum({ windows, lengths, columnMask, ...rest }: ClippedSumRequest): ClippedSumReport {
    const batch = { windows, lengths, ...(columnMask === undefined ? {} : { columnMask }) };
    return jointClippedSum([{ kernel: this, batch }], rest);
  }

  /** The steps of a clipped sum, of which `clipped-sum.ts` is the order. */
  readonly windowGradients: WindowGradients = {
    begin: () => {
      this.#wasm.beginSum();
    },
    differentiate: (batch, indexes, norms) => {
      indexes.forEach((index, lane) => {
        this.#load(batch, index, lane);
      });
      this.#byGram = (norms ?? cheaperNorm(this.layout)) === 'gram' ? 1 : 0;
      this.#wasm.differentiate(indexes.length, this.#byGram);
    },
    form: (lane) => this.#wasm.formWindow(lane, this.#byGram),
    add: (factor, towardsZero) => this.#wasm.addRounded(factor, towardsZero ? 1 : 0),
    take: (factor, towardsZero) => {
      this.#wasm.takeRounded(factor, towardsZero ? 1 : 0);
    },
    flush: () => {
      this.#wasm.flush();
      return this.#sums;
    },
  };

  /** Runs `pass` over blocks and collects `width` outputs a window from `address`. */
  #gather(
    batch: WindowBatch,
    width: number,
    address: number,
    pass: (count: number) => void,
  ): Float32Array {
    const count = checkBatch(batch, this.architecture);
    checkFinite(batch, this.architecture);
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
    const { mean, whitening } = given;
    const indexes = whitenedEntries(given, this.architecture);
    const width = indexes.length;
    const { buffer } = this.#wasm.memory;
    new Uint32Array(buffer, this.#wasm.whiteningIndexesAt(), width).set(indexes);
    this.#floats(this.#wasm.whiteningMeanAt(), width).set(mean);
    this.#floats(this.#wasm.whiteningFactorAt(), whitening.length).set(whitening);
    this.#wasm.packWhitening(width);
    this.#whitening = given;
    return width;
  }

  #floats(address: number, count: number): Float32Array {
    return new Float32Array(this.#wasm.memory.buffer, address, count);
  }
}
