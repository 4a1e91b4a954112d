/**
 * The file a pool of workers runs for `createParallelKernel`: one function of one argument, as piscina calls it. What comes
 * and goes lies in shared memory.
 * @module
 */
import type { Architecture } from '../architecture/index.js';
import { createJointKernel, type JointKernel } from './joint-kernel.js';
import type { ClippedSumReport, Clipping, WindowBatch } from './kernel.js';

/** One shard of a batch, for one worker. */
export interface ShardTask {
  readonly architectures: readonly Architecture[];
  /** `[parameterCount]`, shared. */
  readonly parameters: Float32Array;
  /** Changes when the parameters do. */
  readonly generation: number;
  /** The shard's windows, shared. */
  readonly batches: readonly WindowBatch[];
  readonly work:
    | { readonly kind: 'gradient'; readonly out: Float32Array }
    | {
        readonly kind: 'clipped-sum';
        readonly clipping: Clipping;
        readonly select: Uint8Array;
        readonly out: Float64Array;
      };
}

export interface ShardReport extends ClippedSumReport {
  readonly loss: number;
}

/** The last networks this thread has seen, with the parameters they hold. */
let held: { readonly key: string; readonly kernel: JointKernel } | undefined;
let generation = -1;

export default function runShard(task: ShardTask): ShardReport {
  const { architectures, parameters, batches, work } = task;
  const key = JSON.stringify(architectures);
  if (held?.key !== key) {
    held = { key, kernel: createJointKernel(architectures) };
    generation = -1;
  }
  const { kernel } = held;
  if (generation !== task.generation) {
    kernel.setParameters(parameters);
    generation = task.generation;
  }
  if (work.kind === 'gradient') {
    const { gradient, loss } = kernel.gradient(batches);
    work.out.set(gradient);
    return { loss, contributing: 0, clipped: 0, nonFinite: 0 };
  }
  const { clipping, select, out } = work;
  return { loss: 0, ...kernel.clippedSum({ ...clipping, batches, select, out }) };
}
