/**
 * The kernel's part of a step: clipped integer gradients of the selected windows, summed. What it returns is private
 * until dp has put noise on it.
 * @module
 */
import type { GridClipping } from '@bhschain/dp';
import type { Architecture } from '@bhschain/models/architecture';
import type { ClippedSumReport, Kernel } from '@bhschain/models/kernel';

/** Windows side by side, as the kernel takes them. Private: never leaves the hospital. */
export interface TrainingBatch {
  /** `[windows, steps, features]`, standardised. */
  readonly windows: Float32Array;
  /** `[windows]` */
  readonly lengths: Uint8Array;
  /** `[windows]`, bit i: column i is absent. */
  readonly columnMasks: Uint32Array;
}

/** One step, as it crosses into a worker: plain numbers and buffers. */
export interface SumTask {
  readonly architecture: Architecture;
  readonly batch: TrainingBatch;
  readonly clipping: GridClipping;
  /** `[parameterCount]` */
  readonly parameters: Float32Array;
  /** Poisson mask of this step, `[windows]`. */
  readonly select: Uint8Array;
}

export interface KernelSum extends ClippedSumReport {
  /** `[parameterCount]`, exact integers in grid units. */
  readonly units: Float64Array;
}

export function kernelSum(kernel: Kernel, task: SumTask): KernelSum {
  const { batch, clipping, parameters, select } = task;
  const units = new Float64Array(parameters.length);
  kernel.setParameters(parameters);
  const report = kernel.clippedSum({
    windows: batch.windows,
    lengths: batch.lengths,
    columnMask: batch.columnMasks,
    select,
    ...clipping,
    out: units,
  });
  return { ...report, units };
}
