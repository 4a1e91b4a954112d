/**
 * Several networks as one: parameters and gradients stand side by side in one flat vector, in the order of the networks,
 * and a window's gradient is clipped as a whole (privacy.md §7: one mask, one clip, one noise vector for an ensemble).
 * @module
 */
import type { Architecture } from '../architecture/index.js';
import { jointClippedSum } from './clipped-sum.js';
import { checkBatches, checkParameters } from './kernel-door.js';
import type { ClippedSumReport, Clipping, Kernel, WindowBatch } from './kernel.js';
import { createKernel } from './wasm-kernel.js';

export interface JointClippedSumRequest extends Clipping {
  /** One a network: the same windows in the same order, each network's own columns and masks. */
  readonly batches: readonly WindowBatch[];
  /** `[windows]`, the Poisson mask: windows with 0 are not even read. */
  readonly select: Uint8Array;
  /** `[parameterCount]`, exact integers; the sum is added to what is there. */
  readonly out: Float64Array;
}

export interface JointKernel {
  readonly kernels: readonly Kernel[];
  /** Of all networks together. */
  readonly parameterCount: number;
  /** @param parameters - `[parameterCount]` */
  setParameters(parameters: Float32Array): void;
  /** Gradient of the sum over the networks of their mean losses, and that sum. */
  gradient(batches: readonly WindowBatch[]): { gradient: Float32Array; loss: number };
  /** A window's integers over all networks together have an L2 norm of at most `sensitivityUnits`. */
  clippedSum(request: JointClippedSumRequest): ClippedSumReport;
}

/**
 * @param architectures - at least one
 * @throws {ArchitectureError} `ERR_ARCHITECTURE`
 * @throws {KernelError} `ERR_KERNEL_BATCH` without a network
 */
export function createJointKernel(architectures: readonly Architecture[]): JointKernel {
  const kernels = architectures.map(createKernel);
  checkBatches(kernels.length, kernels);
  const parameterCount = kernels.reduce((sum, { layout }) => sum + layout.parameterCount, 0);
  return {
    kernels,
    parameterCount,
    setParameters(parameters) {
      checkParameters(parameters, parameterCount);
      let at = 0;
      for (const kernel of kernels) {
        const end = at + kernel.layout.parameterCount;
        kernel.setParameters(parameters.subarray(at, end));
        at = end;
      }
    },
    gradient(batches) {
      checkBatches(batches.length, kernels);
      const gradient = new Float32Array(parameterCount);
      let loss = 0;
      let at = 0;
      for (const [i, kernel] of kernels.entries()) {
        const part = kernel.gradient(batches[i]!);
        gradient.set(part.gradient, at);
        loss += part.loss;
        at += part.gradient.length;
      }
      return { gradient, loss };
    },
    clippedSum({ batches, ...request }) {
      checkBatches(batches.length, kernels);
      const members = kernels.map((kernel, i) => ({ kernel, batch: batches[i]! }));
      return jointClippedSum(members, request);
    },
  };
}
