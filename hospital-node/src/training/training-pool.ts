/**
 * Training off the main thread. One task at a time per thread, a short queue, nothing copied that can be moved.
 * @module
 */
import { Piscina } from 'piscina';
import { HospitalNodeError } from '../errors.js';
import type { TrainingResult, TrainingTask } from './private-training.js';
import type { TrainingAnswer } from './worker.js';

export interface TrainingPool {
  /** Takes the task's buffers with it: they are empty for the caller afterwards. */
  run(task: TrainingTask): Promise<TrainingResult>;
  close(): Promise<void>;
}

/** A training that takes longer than this is a defect, not work. */
const TRAINING_MS_MAX = 30 * 60_000;

/**
 * `run` rejects with `ERR_TRAINING_FAILED` if the worker dies, runs out of memory or takes longer than half an hour;
 * a coded error of the training itself passes through.
 */
export function createTrainingPool(options: { readonly threads: number }): TrainingPool {
  const pool = new Piscina<TrainingTask, TrainingAnswer>({
    filename: new URL('../../dist/training/worker.js', import.meta.url).href,
    minThreads: 0,
    maxThreads: options.threads,
    maxQueue: options.threads,
    idleTimeout: 5_000,
    // The worker sees no environment: what it needs comes with the task.
    env: {},
  });
  return {
    run: async (task) => {
      const buffers = [task.windows, task.lengths, task.columnMasks, task.selections, task.noise];
      let answer: TrainingAnswer;
      try {
        answer = await pool.run(task, {
          transferList: buffers.map((each) => each.buffer as ArrayBuffer),
          signal: AbortSignal.timeout(TRAINING_MS_MAX),
        });
      } catch (cause) {
        throw new HospitalNodeError(
          'ERR_TRAINING_FAILED',
          'the training worker failed; the interval stays spent',
          {},
          cause,
        );
      }
      if ('failure' in answer) {
        throw new HospitalNodeError(answer.failure.code, answer.failure.message);
      }
      return answer.result;
    },
    close: () => pool.destroy(),
  };
}
