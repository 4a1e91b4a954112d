/**
 * What the two studies on public logs share: reading, ranking, and an autoencoder over one-hot events.
 * @module
 */
import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import {
  areaUnderCurve,
  createKernel,
  fitStrata,
  initialParameters,
  preTrain,
  type Architecture,
  type Kernel,
  type Sequence,
  type WindowBatch,
} from '../src/index.js';

export const UNTRAINED_SEEDS: readonly number[] = [11, 12, 13, 14, 15, 16, 17, 18, 19, 20];

/** Rows of a gzipped CSV without its header; no field holds a comma. */
export function readRows(name: string): string[][] {
  const file = `${process.env['BHS_DATA'] ?? '../../shared/data'}/${name}`;
  const text = gunzipSync(readFileSync(file)).toString('utf8');
  return text
    .trim()
    .split('\n')
    .slice(1)
    .map((line) => line.split(','));
}

export function sequenceOf(events: string): Sequence {
  return { rows: events.split(' ').map(Number), mask: 0 };
}

export interface Quality {
  readonly auc: number;
  /** At the threshold that 3.2 % of the normal test windows reach. */
  readonly tpr: number;
}

export function quality(normal: readonly number[], abnormal: readonly number[]): Quality {
  const cut = normal.toSorted((a, b) => b - a)[Math.floor(0.032 * normal.length)]!;
  const tpr = abnormal.filter((score) => score > cut).length / abnormal.length;
  return { auc: areaUnderCurve(normal, abnormal), tpr };
}

/** Mean and range over seeds. */
export function overSeeds(runs: readonly Quality[]): object {
  const aucs = runs.map(({ auc }) => auc);
  const tprs = runs.map(({ tpr }) => tpr);
  return {
    auc: mean(aucs),
    aucRange: [Math.min(...aucs), Math.max(...aucs)],
    tpr: mean(tprs),
    tprRange: [Math.min(...tprs), Math.max(...tprs)],
  };
}

export function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

export function seeded(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}

/** One-hot windows of events; what lies beyond the last column is "other" and shares it. */
export function oneHot(windows: readonly ArrayLike<number>[], shape: Architecture): WindowBatch {
  const { steps, features } = shape;
  const inputs = new Float32Array(windows.length * steps * features);
  const lengths = Uint8Array.from(windows, (events) => Math.min(events.length, steps));
  windows.forEach((events, i) => {
    for (let step = 0; step < lengths[i]!; step++) {
      inputs[(i * steps + step) * features + Math.min(events[step]!, features - 1)] = 1;
    }
  });
  return { windows: inputs, lengths };
}

/** An autoencoder from a seed; 0 epochs: the untrained control. */
export function autoencoder(
  shape: Architecture,
  batch: WindowBatch,
  o: Readonly<{ seed: number; epochs: number; windowsPerStep?: number }>,
): Kernel {
  const { seed, epochs, windowsPerStep = 64 } = o;
  const kernel = createKernel(shape);
  const parameters = initialParameters(shape, seeded(seed));
  kernel.setParameters(parameters);
  const steps = Math.round((epochs * batch.lengths.length) / windowsPerStep);
  const random = seeded(seed + 1000);
  if (steps > 0) {
    preTrain({ kernel, parameters, batch, steps, windowsPerStep, learningRate: 0.01, random });
  }
  return kernel;
}

/** The product's score: whitened residual summary, its law from the training windows. */
export function summaryScores(kernel: Kernel, training: WindowBatch, batch: WindowBatch): number[] {
  const { steps } = kernel.architecture;
  const keys = [{ columnMask: 0, lengthMin: 1, lengthMax: steps }];
  const [stratum] = fitStrata({ kernel, batch: training, keys });
  return [...kernel.squaredDistances(batch, stratum!)];
}

/** The older score: mean error of a window's steps, and half of its largest mean over `moving` steps in a row. */
export function errorScores(kernel: Kernel, batch: WindowBatch, moving: number): number[] {
  const { steps, features } = kernel.architecture;
  const residuals = kernel.reconstruct(batch);
  return Array.from(batch.lengths, (length, i) => {
    const errors = Array.from({ length }, (_, step) => {
      let error = 0;
      for (let event = 0; event < features; event++) {
        error += residuals[(i * steps + step) * features + event]! ** 2;
      }
      return error;
    });
    const span = Math.min(moving, length);
    const worst = errors
      .slice(span - 1)
      .map((_, end) => mean(errors.slice(end, end + span)))
      .reduce((a, b) => Math.max(a, b), 0);
    return mean(errors) + 0.5 * worst;
  });
}

/** Squared norm of the inputs: what a score without any model would be. */
export function normScores(batch: WindowBatch): number[] {
  const cells = batch.windows.length / batch.lengths.length;
  return Array.from(batch.lengths, (_, i) => {
    let sum = 0;
    for (let cell = 0; cell < cells; cell++) sum += batch.windows[i * cells + cell]! ** 2;
    return sum;
  });
}
