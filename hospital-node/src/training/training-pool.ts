/**
 * Training with its gradients off the main thread. A round's windows lie in memory that the threads share, so that no
 * step copies them; they are overwritten when the round is over.
 * @module
 */
import { Piscina } from 'piscina';
import type { Architecture } from '@bhschain/models/architecture';
import { HospitalNodeError } from '../errors.js';
import type { KernelSum, SumTask, TrainingBatch } from './kernel-sums.js';
import { trainPrivately, type TrainingInput, type TrainingResult } from './private-training.js';

/** A round of training, and the networks that are trained together. */
export interface TrainingTask extends TrainingInput {
  readonly architectures: readonly Architecture[];
  /** One a network. */
  readonly batches: readonly TrainingBatch[];
}

export interface TrainingPool {
  /** Uses up the task's noise. */
  run(task: TrainingTask): Promise<TrainingResult>;
  close(): Promise<void>;
}

/** A training that takes longer than this is a defect, not work. */
const TRAINING_MS_MAX = 30 * 60_000;

/**
 * `run` rejects with `ERR_TRAINING_FAILED` if a worker dies, runs out of memory or the round takes longer than half an
 * hour; a coded error of the training itself passes through.
 */
export function createTrainingPool(options: { readonly threads: number }): TrainingPool {
  const pool = new Piscina<SumTask, KernelSum>({
    filename: new URL('../../dist/training/worker.js', import.meta.url).href,
    minThreads: 0,
    maxThreads: options.threads,
    maxQueue: options.threads,
    idleTimeout: 5_000,
    // The worker sees no environment: what it needs comes with the task.
    env: {},
  });
  return {
    run: async ({ architectures, batches, ...input }) => {
      const shared = batches.map(shareBatch);
      const signal = AbortSignal.timeout(TRAINING_MS_MAX);
      const { windowClippingNorm: clippingNorm, gridScale, sensitivityUnits } = input.plan;
      const clipping = { clippingNorm, gridScale, sensitivityUnits };
      try {
        return await trainPrivately(async (parameters, select) => {
          try {
            return await pool.run(
              { architectures, batches: shared, clipping, parameters, select },
              { signal },
            );
          } catch (cause) {
            throw new HospitalNodeError(
              'ERR_TRAINING_FAILED',
              'the training worker failed; the interval stays spent',
              {},
              cause,
            );
          }
        }, input);
      } finally {
        for (const { windows } of [...shared, ...batches]) windows.fill(0);
      }
    },
    close: () => pool.destroy(),
  };
}

function shareBatch({ windows, lengths, columnMasks }: TrainingBatch): TrainingBatch {
  const shared = {
    windows: new Float32Array(new SharedArrayBuffer(windows.byteLength)),
    lengths: new Uint8Array(new SharedArrayBuffer(lengths.byteLength)),
    columnMasks: new Uint32Array(new SharedArrayBuffer(columnMasks.byteLength)),
  };
  shared.windows.set(windows);
  shared.lengths.set(lengths);
  shared.columnMasks.set(columnMasks);
  return shared;
}
