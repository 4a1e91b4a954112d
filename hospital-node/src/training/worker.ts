/**
 * The worker's one function: a step's sum, so that gradients never hold the node's own thread. It keeps a kernel and
 * nothing of a round; noise stays where the debit is.
 * @module
 */
import { createKernel, type Kernel } from '@bhschain/models/kernel';
import { kernelSum, type KernelSum, type SumTask } from './kernel-sums.js';

let kernel: Kernel | null = null;
let shape = '';

export default function sum(task: SumTask): KernelSum {
  const key = JSON.stringify(task.architecture);
  if (kernel === null || shape !== key) {
    kernel = createKernel(task.architecture);
    shape = key;
  }
  return kernelSum(kernel, task);
}
