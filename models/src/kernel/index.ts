export type {
  ClippedSumReport,
  ClippedSumRequest,
  Clipping,
  GradientNorm,
  Kernel,
  Statistic,
  SummarySource,
  Whitening,
  WindowBatch,
} from './kernel.js';
export { cheaperNorm } from './clipped-sum.js';
export {
  createJointKernel,
  type JointClippedSumRequest,
  type JointKernel,
} from './joint-kernel.js';
export {
  createParallelKernel,
  kernelWorkerUrl,
  shareBatch,
  type KernelPool,
  type ParallelKernel,
} from './parallel-kernel.js';
export type { KernelTask } from './kernel-worker.js';
export { STATISTICS } from './kernel.js';
export { createKernel } from './wasm-kernel.js';
export { kernelHash } from './kernel-bytes.js';
export { kernelBytes } from './module.js';
