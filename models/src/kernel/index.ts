export {
  createKernel,
  type ClippedSumReport,
  type ClippedSumRequest,
  type Kernel,
  type SummarySource,
  type Whitening,
  type WindowBatch,
} from './kernel.js';
export { kernelHash } from './kernel-bytes.js';
export { kernelBytes } from './module.js';
