/**
 * The worker's one function. Buffers come and go by transfer; what must not outlive the round is overwritten here,
 * since the main thread has given it away.
 * @module
 */
import { createKernel, type Kernel } from '@bhschain/models/kernel';
import { move } from 'piscina';
import { HospitalNodeError } from '../errors.js';
import { trainPrivately, type TrainingResult, type TrainingTask } from './private-training.js';

/** An error's code does not survive the way between threads, so a coded failure travels as data. */
export type TrainingAnswer =
  | { readonly result: TrainingResult }
  | { readonly failure: { readonly code: string; readonly message: string } };

let kernel: Kernel | null = null;
let shape = '';

export default function train(task: TrainingTask): TrainingAnswer {
  const key = JSON.stringify(task.architecture);
  if (kernel === null || shape !== key) {
    kernel = createKernel(task.architecture);
    shape = key;
  }
  try {
    const result = trainPrivately(kernel, task);
    move(result.update.buffer as ArrayBuffer);
    return { result };
  } catch (error) {
    if (!(error instanceof HospitalNodeError)) throw error;
    return { failure: { code: error.code, message: error.message } };
  } finally {
    task.noise.fill(0);
    task.selections.fill(0);
    task.windows.fill(0);
  }
}
