/**
 * The worker's one function: a step's sum, so that gradients never hold the node's own thread. It keeps a kernel and
 * nothing of a round; noise stays where the debit is.
 * @module
 */
import { createJointKernel, type JointKernel } from '@bhschain/models/kernel';
import { kernelSum, type KernelSum, type SumTask } from './kernel-sums.js';

let kernel: JointKernel | null = null;
let shapes = '';

export default function sum(task: SumTask): KernelSum {
  const key = JSON.stringify(task.architectures);
  if (kernel === null || shapes !== key) {
    kernel = createJointKernel(task.architectures);
    shapes = key;
  }
  return kernelSum(kernel, task);
}
