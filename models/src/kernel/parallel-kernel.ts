/**
 * A joint kernel over the threads of a pool that the caller brings. The result has the same bits for any number of threads:
 * a plain batch is cut into shards by its size alone, whose gradients are added up in their order; the integers of a clipped
 * sum are exact in any order, so there each thread adds up the windows it took.
 * @module
 */
import type { Architecture } from '../architecture/index.js';
import { BLOCK } from './clipped-sum.js';
import { createJointKernel, type JointClippedSumRequest } from './joint-kernel.js';
import {
  checkBatch,
  checkBatches,
  checkCounts,
  checkFinite,
  checkParameters,
  checkSum,
} from './kernel-door.js';
import type { ClippedSumReport, WindowBatch } from './kernel.js';
import type { KernelTask, Shard } from './kernel-worker.js';

/** What runs {@link kernelWorkerUrl} in threads; a piscina does. */
export interface KernelPool {
  readonly maxThreads: number;
  run(task: KernelTask): Promise<ClippedSumReport | undefined>;
}

/** One call at a time. */
export interface ParallelKernel {
  readonly parameterCount: number;
  setParameters(parameters: Float32Array): void;
  /**
   * As of a `JointKernel`, but for the order of its additions.
   * @throws {KernelError} `ERR_KERNEL_BATCH`, for batches of different sizes too
   */
  gradient(batches: readonly WindowBatch[]): Promise<{ gradient: Float32Array; loss: number }>;
  /** The very integers of a `JointKernel`. */
  clippedSum(request: JointClippedSumRequest): Promise<ClippedSumReport>;
}

/** The file that a pool of threads has to run. */
export const kernelWorkerUrl: URL = new URL('./kernel-worker.js', import.meta.url);

/** Shards of a plain batch, and most threads that can help with it. */
const SHARDS = 16;
/** Two kernels may share a pool: parameters of both have names of their own. */
let generations = 0;

/**
 * Batches are copied into shared memory, unless they are there already ({@link shareBatch}).
 * @throws {ArchitectureError} `ERR_ARCHITECTURE`
 */
export function createParallelKernel(
  architectures: readonly Architecture[],
  pool: KernelPool,
): ParallelKernel {
  const { kernels, parameterCount } = createJointKernel(architectures);
  const parameters = share(new Float32Array(parameterCount));
  const gradients = share(new Float32Array(SHARDS * parameterCount));
  const losses = share(new Float64Array(SHARDS));
  const sums = Array.from({ length: pool.maxThreads }, () =>
    share(new Float64Array(parameterCount)),
  );
  const taken = share(new Int32Array(1));
  let generation = ++generations;

  const runTasks = (
    batches: readonly WindowBatch[],
    works: readonly KernelTask['work'][],
  ): Promise<(ClippedSumReport | undefined)[]> => {
    const shared = batches.map(shareBatch);
    taken[0] = 0;
    return Promise.all(
      works.map((work) =>
        pool.run({ architectures, parameters, generation, batches: shared, taken, work }),
      ),
    );
  };

  return {
    parameterCount,
    setParameters(given) {
      checkParameters(given, parameterCount);
      parameters.set(given);
      generation = ++generations;
    },
    async gradient(batches) {
      checkBatches(batches.length, kernels);
      const counts = kernels.map(({ architecture }, i) => {
        checkFinite(batches[i]!, architecture);
        return checkBatch(batches[i]!, architecture);
      });
      checkCounts(counts);
      const shards = shardsOf(counts[0]!);
      const work = { kind: 'gradient', shards, gradients, losses } as const;
      await runTasks(
        batches,
        sums.map(() => work),
      );
      const total = new Float64Array(parameterCount);
      let loss = 0;
      shards.forEach(({ from, to }, place) => {
        const weight = (to - from) / counts[0]!;
        const start = place * parameterCount;
        loss += losses[place]! * weight;
        for (let i = 0; i < parameterCount; i++) total[i]! += gradients[start + i]! * weight;
      });
      return { gradient: new Float32Array(total), loss };
    },
    async clippedSum({ batches, select, out, ...clipping }) {
      checkBatches(batches.length, kernels);
      const counts = kernels.map(({ architecture }, i) =>
        checkBatch(batches[i]!, architecture, true),
      );
      checkSum({ ...clipping, select, out }, counts, parameterCount);
      const chosen = share(select);
      const reports = await runTasks(
        batches,
        sums.map((own) => ({ kind: 'clipped-sum', clipping, select: chosen, out: own }) as const),
      );
      for (const own of sums) for (let i = 0; i < parameterCount; i++) out[i]! += own[i]!;
      const total = { contributing: 0, clipped: 0, nonFinite: 0 };
      for (const report of reports) {
        total.contributing += report!.contributing;
        total.clipped += report!.clipped;
        total.nonFinite += report!.nonFinite;
      }
      return total;
    },
  };
}

/** The same batch in shared memory: copied once, however often it is used. */
export function shareBatch({ windows, lengths, columnMask }: WindowBatch): WindowBatch {
  return {
    windows: share(windows),
    lengths: share(lengths),
    ...(columnMask === undefined
      ? {}
      : { columnMask: columnMask instanceof Uint32Array ? share(columnMask) : columnMask }),
  };
}

/** Whole blocks, as evenly as they go; an empty batch has no shard. */
function shardsOf(count: number): Shard[] {
  const blocks = Math.ceil(count / BLOCK);
  const edge = (i: number): number => Math.min(count, Math.floor((i * blocks) / SHARDS) * BLOCK);
  return Array.from({ length: SHARDS }, (_, i) => ({ from: edge(i), to: edge(i + 1) })).filter(
    ({ from, to }) => to > from,
  );
}

function share<A extends Float32Array | Float64Array | Uint8Array | Int32Array | Uint32Array>(
  array: A,
): A {
  if (array.buffer instanceof SharedArrayBuffer) return array;
  const copy = new (array.constructor as new (buffer: SharedArrayBuffer) => A)(
    new SharedArrayBuffer(array.byteLength),
  );
  copy.set(array);
  return copy;
}
