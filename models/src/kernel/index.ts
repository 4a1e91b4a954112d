export type {
  ClippedSumReport,
  ClippedSumRequest,
  Kernel,
  SummarySource,
  Whitening,
  WindowBatch,
} from './kernel.js';
export { createKernel } from './wasm-kernel.js';
export { kernelHash } from './kernel-bytes.js';
export { kernelBytes } from './module.js';
