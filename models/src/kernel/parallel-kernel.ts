/**
 * A joint kernel over the threads of a pool that the caller brings. A batch is cut into shards by its size alone, each shard
 * writes into a place of its own in shared memory, and the places are added up in their order: the result has the same bits
 * for any number of workers.
 * @module
 */
import type { Architecture } from '../architecture/index.js';
import { BLOCK } from './clipped-sum.js';
import { createJointKernel, type JointClippedSumRequest } from './joint-kernel.js';
import { checkBatch, checkBatches, checkFinite, checkParameters, checkSum } from './kernel-door.js';
import type { ClippedSumReport, WindowBatch } from './kernel.js';
import type { ShardReport, ShardTask } from './kernel-worker.js';

/** What runs {@link kernelWorkerUrl} in threads; a piscina does. */
export interface KernelPool {
  run(task: ShardTask): Promise<ShardReport>;
}

/** One call at a time. */
export interface ParallelKernel {
  readonly parameterCount: number;
  setParameters(parameters: Float32Array): void;
  /** As of a `JointKernel`, but for the order of its additions. */
  gradient(batches: readonly WindowBatch[]): Promise<{ gradient: Float32Array; loss: number }>;
  /** The very integers of a `JointKernel`. */
  clippedSum(request: JointClippedSumRequest): Promise<ClippedSumReport>;
}

/** The file that a pool of threads has to run. */
export const kernelWorkerUrl: URL = new URL('./kernel-worker.js', import.meta.url);

/** Shards of a batch, and most workers that can help. */
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
  const sums = share(new Float64Array(SHARDS * parameterCount));
  let generation = ++generations;

  const runShards = async (
    shards: readonly Shard[],
    batches: readonly WindowBatch[],
    workOf: (shard: Shard, place: number) => ShardTask['work'],
  ): Promise<ShardReport[]> => {
    const shared = batches.map(shareBatch);
    return Promise.all(
      shards.map((shard, place) =>
        pool.run({
          architectures,
          parameters,
          generation,
          batches: shared.map((batch, i) => cut(batch, shard, kernels[i]!.architecture)),
          work: workOf(shard, place),
        }),
      ),
    );
  };
  const placeOf = <A extends Float32Array | Float64Array>(all: A, place: number): A =>
    all.subarray(place * parameterCount, (place + 1) * parameterCount) as A;

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
      const shards = shardsOf(counts[0]!);
      const reports = await runShards(shards, batches, (_, place) => ({
        kind: 'gradient',
        out: placeOf(gradients, place),
      }));
      const total = new Float64Array(parameterCount);
      let loss = 0;
      shards.forEach(({ from, to }, place) => {
        const share = (to - from) / counts[0]!;
        loss += reports[place]!.loss * share;
        placeOf(gradients, place).forEach((g, i) => (total[i]! += g * share));
      });
      return { gradient: Float32Array.from(total), loss };
    },
    async clippedSum({ batches, select, out, ...clipping }) {
      checkBatches(batches.length, kernels);
      const counts = kernels.map(({ architecture }, i) =>
        checkBatch(batches[i]!, architecture, true),
      );
      checkSum({ ...clipping, select, out }, counts, parameterCount);
      const shards = shardsOf(counts[0]!);
      sums.fill(0);
      const reports = await runShards(shards, batches, ({ from, to }, place) => ({
        kind: 'clipped-sum',
        clipping,
        select: select.slice(from, to),
        out: placeOf(sums, place),
      }));
      const report = { contributing: 0, clipped: 0, nonFinite: 0 };
      shards.forEach((_, place) => {
        placeOf(sums, place).forEach((sum, i) => (out[i]! += sum));
        report.contributing += reports[place]!.contributing;
        report.clipped += reports[place]!.clipped;
        report.nonFinite += reports[place]!.nonFinite;
      });
      return report;
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

interface Shard {
  readonly from: number;
  readonly to: number;
}

/** Whole blocks, as evenly as they go; an empty batch has no shard. */
function shardsOf(count: number): Shard[] {
  const blocks = Math.ceil(count / BLOCK);
  const edge = (i: number): number => Math.min(count, Math.floor((i * blocks) / SHARDS) * BLOCK);
  return Array.from({ length: SHARDS }, (_, i) => ({ from: edge(i), to: edge(i + 1) })).filter(
    ({ from, to }) => to > from,
  );
}

function cut(
  { windows, lengths, columnMask }: WindowBatch,
  { from, to }: Shard,
  { steps, features }: Architecture,
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

function share<A extends Float32Array | Float64Array | Uint8Array | Uint32Array>(array: A): A {
  if (array.buffer instanceof SharedArrayBuffer) return array;
  const copy = new (array.constructor as new (buffer: SharedArrayBuffer) => A)(
    new SharedArrayBuffer(array.byteLength),
  );
  copy.set(array);
  return copy;
}
