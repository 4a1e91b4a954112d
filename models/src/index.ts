export * from './architecture/index.js';
export * from './detector/index.js';
export { ArchitectureError, DetectorError, KernelError, ModelsError } from './errors.js';
export * from './features/index.js';
export * from './kernel/index.js';
export * from './training/index.js';
