/**
 * The file a pool of workers runs for `createParallelKernel`: one function of one argument, as piscina calls it. What comes
 * and goes lies in shared memory. Every task of a call takes the next piece of work until none is left, so that no thread
 * waits for a slower one.
 * @module
 */
import type { Architecture } from '../architecture/index.js';
import { BLOCK, jointClippedSum } from './clipped-sum.js';
import { createJointKernel, type JointKernel } from './joint-kernel.js';
import type { ClippedSumReport, Clipping, WindowBatch } from './kernel.js';

/** One thread's share of a call. Arrays are shared. */
export interface KernelTask {
  readonly architectures: readonly Architecture[];
  /** `[parameterCount]` */
  readonly parameters: Float32Array;
  /** Changes when the parameters do. */
  readonly generation: number;
  readonly batches: readonly WindowBatch[];
  /** `[1]`: how much of the work the call's tasks have taken. */
  readonly taken: Int32Array;
  readonly work: GradientWork | ClippedSumWork;
}

export interface GradientWork {
  readonly kind: 'gradient';
  readonly shards: readonly Shard[];
  /** `[shards, parameterCount]`: of each shard's mean loss. */
  readonly gradients: Float32Array;
  /** `[shards]` */
  readonly losses: Float64Array;
}

export interface ClippedSumWork {
  readonly kind: 'clipped-sum';
  readonly clipping: Clipping;
  readonly select: Uint8Array;
  /** `[parameterCount]`, this task's own. */
  readonly out: Float64Array;
}

/** Windows `from` to `to`. */
export interface Shard {
  readonly from: number;
  readonly to: number;
}

/** The last networks this thread has seen, with the parameters they hold. */
let held: { readonly key: string; readonly joint: JointKernel } | undefined;
let generation = -1;

export default function runTask(task: KernelTask): ClippedSumReport | undefined {
  const { architectures, parameters, batches, taken, work } = task;
  const key = JSON.stringify(architectures);
  if (held?.key !== key) {
    held = { key, joint: createJointKernel(architectures) };
    generation = -1;
  }
  const { joint } = held;
  if (generation !== task.generation) {
    joint.setParameters(parameters);
    generation = task.generation;
  }
  if (work.kind === 'clipped-sum') {
    const { clipping, select, out } = work;
    const members = joint.kernels.map((kernel, i) => ({ kernel, batch: batches[i]! }));
    out.fill(0);
    return jointClippedSum(members, { ...clipping, select, out }, () =>
      Atomics.add(taken, 0, BLOCK),
    );
  }
  const { shards, gradients, losses } = work;
  for (let i = take(taken); i < shards.length; i = take(taken)) {
    const cuts = joint.kernels.map((kernel, k) => cut(batches[k]!, shards[i]!, kernel));
    const { gradient, loss } = joint.gradient(cuts);
    gradients.set(gradient, i * joint.parameterCount);
    losses[i] = loss;
  }
  return undefined;
}

function take(taken: Int32Array): number {
  return Atomics.add(taken, 0, 1);
}

function cut(
  { windows, lengths, columnMask }: WindowBatch,
  { from, to }: Shard,
  { architecture: { steps, features } }: JointKernel['kernels'][number],
): WindowBatch {
  return {
    windows: windows.subarray(from * steps * features, to * steps * features),
    lengths: lengths.subarray(from, to),
    ...(columnMask === undefined
      ? {}
      : {
          columnMask:
            columnMask instanceof Uint32Array ? columnMask.subarray(from, to) : columnMask,
        }),
  };
}
