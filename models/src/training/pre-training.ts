/**
 * Plain training on public, simulated windows: the way to detector 0 (training-recipe.md 2.2).
 * @module
 */
import type { Kernel, WindowBatch } from '../kernel/index.js';
import { createAdam } from './optimisers.js';

export interface PreTrainingOptions {
  /** Or another engine of the same network, such as TensorFlow's. */
  readonly kernel: Pick<Kernel, 'setParameters' | 'gradient'>;
  /** Changed in place. */
  readonly parameters: Float32Array;
  readonly batch: WindowBatch;
  readonly steps: number;
  readonly windowsPerStep: number;
  /** Reached after `warmUpSteps`, then falling to 0 along a smooth step. */
  readonly learningRate: number;
  readonly warmUpSteps?: number;
  /** Uniform in [0, 1). */
  readonly random: () => number;
  readonly onStep?: (step: number, loss: number) => void;
}

/** Adam on uniformly drawn batches. Leaves the trained parameters in the kernel too. */
export function preTrain(options: PreTrainingOptions): void {
  const { kernel, parameters, batch, steps, windowsPerStep, random, onStep } = options;
  const warmUp = options.warmUpSteps ?? Math.min(100, Math.ceil(steps / 10));
  const adam = createAdam(parameters.length);
  const count = batch.lengths.length;
  for (let step = 0; step < steps; step++) {
    kernel.setParameters(parameters);
    const indexes = Uint32Array.from({ length: windowsPerStep }, () =>
      Math.floor(random() * count),
    );
    const { gradient, loss } = kernel.gradient(pick(batch, indexes));
    adam.step(parameters, gradient, options.learningRate * schedule(step, warmUp, steps));
    onStep?.(step, loss);
  }
  kernel.setParameters(parameters);
}

/** Linear warm-up, then 1 − 3x² + 2x³: close to half a cosine, and without one. */
function schedule(step: number, warmUp: number, steps: number): number {
  if (step < warmUp) return (step + 1) / warmUp;
  const x = (step - warmUp) / Math.max(1, steps - warmUp);
  return 1 - 3 * x * x + 2 * x * x * x;
}

/** The windows at `indexes`, copied side by side. */
export function pick(batch: WindowBatch, indexes: Uint32Array): WindowBatch {
  const { windows, lengths, columnMask } = batch;
  const cells = windows.length / lengths.length;
  const chosen = new Float32Array(indexes.length * cells);
  indexes.forEach((from, to) => {
    chosen.set(windows.subarray(from * cells, (from + 1) * cells), to * cells);
  });
  const masks =
    columnMask instanceof Uint32Array ? indexes.map((i) => columnMask[i]!) : (columnMask ?? 0);
  return {
    windows: chosen,
    lengths: Uint8Array.from(indexes, (i) => lengths[i]!),
    columnMask: masks,
  };
}
