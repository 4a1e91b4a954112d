/** The private sum of the big shape in a pool of one worker and of two. */
import { fileURLToPath } from 'node:url';
import { Piscina } from 'piscina';
import {
  createParallelKernel,
  shareBatch,
  type ClippedSumReport,
  type KernelTask,
} from '../src/kernel/index.js';
import { CLIP, type Workload } from './shapes.js';

export interface Threads {
  run(workers: 1 | 2): Promise<unknown>;
  close(): Promise<void>;
}

export function createThreads({ architecture, parameters, batch }: Workload): Threads {
  const pools = [1, 2].map(
    (threads) =>
      new Piscina<KernelTask, ClippedSumReport | undefined>({
        filename: fileURLToPath(new URL('../dist/kernel/kernel-worker.js', import.meta.url)),
        minThreads: threads,
        maxThreads: threads,
        // This process runs TypeScript; its workers do not.
        execArgv: [],
      }),
  );
  const kernels = pools.map((pool) => createParallelKernel([architecture], pool));
  for (const kernel of kernels) kernel.setParameters(parameters);
  const out = new Float64Array(parameters.length);
  const select = new Uint8Array(batch.lengths.length).fill(1);
  const batches = [shareBatch(batch)];
  return {
    run: (workers) => kernels[workers - 1]!.clippedSum({ ...CLIP, batches, select, out }),
    close: async () => {
      await Promise.all(pools.map((pool) => pool.destroy()));
    },
  };
}
