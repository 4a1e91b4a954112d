/** Private steps in one worker and in two: exact integer sums, so two halves add up to the same bits. */
import { Worker } from 'node:worker_threads';

export interface Pair {
  /** Private sums of `count` windows each in the first `workers` workers. */
  run(workers: 1 | 2, count: number): Promise<void>;
  close(): Promise<void>;
}

export async function createPair(): Promise<Pair> {
  const workers = [0, 1].map(
    () => new Worker(new URL('pair-worker.mjs', import.meta.url), { execArgv: [] }),
  );
  const ask = (worker: Worker, count: number): Promise<void> =>
    new Promise((resolve, reject) => {
      worker.once('error', reject);
      worker.once('message', () => {
        worker.off('error', reject);
        resolve();
      });
      worker.postMessage(count);
    });
  await Promise.all(workers.map((worker) => ask(worker, 8)));
  return {
    run: async (used, count) => {
      await Promise.all(workers.slice(0, used).map((worker) => ask(worker, count)));
    },
    close: async () => {
      await Promise.all(workers.map((worker) => worker.terminate()));
    },
  };
}
