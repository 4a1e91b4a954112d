/**
 * The worker's one function. Buffers come and go by transfer; what must not outlive the round is overwritten here,
 * since the main thread has given it away.
 * @module
 */
import { createKernel, type Kernel } from '@bhschain/models/kernel';
import { move } from 'piscina';
import { trainPrivately, type TrainingResult, type TrainingTask } from './private-training.js';

let kernel: Kernel | null = null;
let shape = '';

export default function train(task: TrainingTask): TrainingResult {
  const key = JSON.stringify(task.architecture);
  if (kernel === null || shape !== key) {
    kernel = createKernel(task.architecture);
    shape = key;
  }
  try {
    const result = trainPrivately(kernel, task);
    move(result.update.buffer as ArrayBuffer);
    return result;
  } finally {
    task.noise.fill(0);
    task.selections.fill(0);
    task.windows.fill(0);
  }
}
