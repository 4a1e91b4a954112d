/**
 * The kernel's part of a step: clipped integer gradients of the selected windows, summed. What it returns is private
 * until dp has put noise on it.
 * @module
 */
import type { GridClipping } from '@bhschain/dp';
import type { Architecture } from '@bhschain/models/architecture';
import type { ClippedSumReport, JointKernel } from '@bhschain/models/kernel';

/** Windows side by side as one network sees them. Private: never leaves the hospital. */
export interface TrainingBatch {
  /** `[windows, steps, columns]`, standardised. */
  readonly windows: Float32Array;
  /** `[windows]` */
  readonly lengths: Uint8Array;
  /** `[windows]`, bit i: the network's column i is absent. */
  readonly columnMasks: Uint32Array;
}

/** One step, as it crosses into a worker: plain numbers and buffers. */
export interface SumTask {
  /** Of the networks that train together, in the order of the parameters. */
  readonly architectures: readonly Architecture[];
  /** The same windows for each network. */
  readonly batches: readonly TrainingBatch[];
  readonly clipping: GridClipping;
  /** `[parameterCount]`, of all networks. */
  readonly parameters: Float32Array;
  /** Poisson mask of this step, `[windows]`. */
  readonly select: Uint8Array;
}

export interface KernelSum extends ClippedSumReport {
  /** `[parameterCount]`, exact integers in grid units. */
  readonly units: Float64Array;
}

/** A window's gradient is that of all networks together, and one clip holds it. */
export function kernelSum(kernel: JointKernel, task: SumTask): KernelSum {
  const { batches, clipping, parameters, select } = task;
  const units = new Float64Array(parameters.length);
  kernel.setParameters(parameters);
  const report = kernel.clippedSum({
    batches: batches.map(({ windows, lengths, columnMasks }) => ({
      windows,
      lengths,
      columnMask: columnMasks,
    })),
    select,
    ...clipping,
    out: units,
  });
  return { ...report, units };
}
