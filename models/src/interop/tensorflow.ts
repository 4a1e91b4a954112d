/**
 * The network in TensorFlow's operations: the same reconstruction, loss and gradient as the kernel, by code that shares
 * nothing with it. Works with any TF.js that is passed in; this package does not depend on one.
 * @module
 */
import { layoutOf, type Architecture } from '../architecture/index.js';
import type { Kernel, WindowBatch } from '../kernel/index.js';
import { headsOf } from './networks.js';

/** A tensor of TF.js, of which only the data is read here. */
export interface Tensor {
  dataSync(): ArrayLike<number>;
}

/** The operations of TF.js that are used. */
export interface TensorFlow {
  tidy<T>(work: () => T): T;
  tensor(values: Float32Array, shape: number[]): Tensor;
  zeros(shape: number[]): Tensor;
  add(a: Tensor, b: Tensor): Tensor;
  sub(a: Tensor | number, b: Tensor): Tensor;
  mul(a: Tensor | number, b: Tensor): Tensor;
  matMul(a: Tensor, b: Tensor): Tensor;
  abs(a: Tensor): Tensor;
  minimum(a: Tensor, b: number): Tensor;
  sigmoid(a: Tensor): Tensor;
  tanh(a: Tensor): Tensor;
  softmax(a: Tensor): Tensor;
  logSoftmax(a: Tensor): Tensor;
  sum(a: Tensor, axis?: number | number[], keepDims?: boolean): Tensor;
  split(a: Tensor, sizes: number | number[], axis: number): Tensor[];
  stack(parts: Tensor[], axis: number): Tensor;
  unstack(a: Tensor, axis: number): Tensor[];
  concat(parts: Tensor[], axis: number): Tensor;
  valueAndGrads(f: (...x: Tensor[]) => Tensor): (x: Tensor[]) => { value: Tensor; grads: Tensor[] };
}

/** What a kernel does, as far as plain training and comparisons need it. All parameters are 0 at first. */
export type TensorFlowEngine = Pick<
  Kernel,
  'setParameters' | 'reconstruct' | 'losses' | 'gradient'
>;

export function createTensorFlowEngine(
  tf: TensorFlow,
  architecture: Architecture,
): TensorFlowEngine {
  const { tensors, parameterCount, architecture: a } = layoutOf(architecture);
  let current = new Float32Array(parameterCount);
  const parameters = (): Tensor[] =>
    tensors.map(({ shape, offset, size }) =>
      tf.tensor(current.slice(offset, offset + size), [...shape]),
    );
  return {
    setParameters(given) {
      current = given.slice();
    },
    reconstruct: (batch) =>
      tf.tidy(() => {
        const cells = cellsOf(tf, a, batch);
        return floats(tf.concat(forward(tf, a, parameters(), cells).residuals, 2));
      }),
    losses: (batch) =>
      tf.tidy(() => floats(forward(tf, a, parameters(), cellsOf(tf, a, batch)).losses)),
    gradient: (batch) =>
      tf.tidy(() => {
        const cells = cellsOf(tf, a, batch);
        const meanLoss = (...p: Tensor[]): Tensor =>
          tf.mul(1 / batch.lengths.length, tf.sum(forward(tf, a, p, cells).losses));
        const { value, grads } = tf.valueAndGrads(meanLoss)(parameters());
        const gradient = new Float32Array(parameterCount);
        tensors.forEach(({ offset }, i) => {
          gradient.set(floats(grads[i]!), offset);
        });
        return { gradient, loss: value.dataSync()[0]! };
      }),
  };
}

/** A batch with absent columns and padding set to 0, and where it has cells. */
interface Cells {
  /** `[windows, steps, features]` */
  readonly windows: Tensor;
  /** A tensor `[windows, 1]` a step: 1 inside a window. */
  readonly inside: readonly Tensor[];
  /** `[windows, steps, features]`: 1 in a present column's step inside the window. */
  readonly present: Tensor;
  /** `[windows]`: 3 ÷ (length × present heads). */
  readonly weights: Tensor;
}

function cellsOf(tf: TensorFlow, a: Architecture, batch: WindowBatch): Cells {
  const { steps, features, groups = [] } = a;
  const { lengths, columnMask = 0 } = batch;
  const count = lengths.length;
  const windows = new Float32Array(batch.windows.length);
  const present = new Float32Array(batch.windows.length);
  const inside = new Float32Array(steps * count);
  const weights = new Float32Array(count);
  for (let i = 0; i < count; i++) {
    const mask = typeof columnMask === 'number' ? columnMask : columnMask[i]!;
    const here = Array.from({ length: features }, (_, c) => c >= 32 || !((mask >>> c) & 1));
    let heads = here.filter(Boolean).length;
    for (const { first, size } of groups) {
      const own = here.slice(first, first + size);
      heads -= own.filter(Boolean).length;
      if (own.every(Boolean)) heads++;
      else here.fill(false, first, first + size);
    }
    weights[i] = heads === 0 ? 0 : 3 / (lengths[i]! * heads);
    for (let t = 0; t < lengths[i]!; t++) {
      inside[t * count + i] = 1;
      const row = (i * steps + t) * features;
      here.forEach((is, c) => {
        if (!is) return;
        present[row + c] = 1;
        windows[row + c] = batch.windows[row + c]!;
      });
    }
  }
  return {
    windows: tf.tensor(windows, [count, steps, features]),
    inside: tf.unstack(tf.tensor(inside, [steps, count, 1]), 0),
    present: tf.tensor(present, [count, steps, features]),
    weights: tf.tensor(weights, [count]),
  };
}

/** Residuals of each head, side by side `[windows, steps, columns]`, and losses `[windows]`. */
function forward(
  tf: TensorFlow,
  a: Architecture,
  p: readonly Tensor[],
  cells: Cells,
): { residuals: Tensor[]; losses: Tensor } {
  const steps = tf.unstack(cells.windows, 1);
  const code = dense(
    tf,
    lstm(tf, a.hidden, p.slice(0, 3), steps, cells.inside).at(-1)!,
    p[3]!,
    p[4]!,
  );
  const codes = steps.map(() => code);
  const states = lstm(tf, a.hidden, p.slice(5, 8), codes, cells.inside);
  const outputs = tf.stack(
    states.map((state) => dense(tf, state, p[8]!, p[9]!)),
    1,
  );
  const heads = headsOf(a);
  const sizes = heads.map(({ size }) => size);
  const apart = (t: Tensor): Tensor[] => (sizes.length === 1 ? [t] : tf.split(t, sizes, 2));
  const [out, seen, here] = [apart(outputs), apart(cells.windows), apart(cells.present)];
  const residuals: Tensor[] = [];
  let sum: Tensor | undefined;
  heads.forEach(({ categorical }, i) => {
    const [z, y, present] = [out[i]!, seen[i]!, here[i]!];
    // Mass of a row: 1 where it names a category, 0 where it names none.
    const guess = categorical ? tf.mul(tf.softmax(z), tf.sum(y, 2, true)) : z;
    const residual = tf.mul(present, tf.sub(y, guess));
    residuals.push(residual);
    const cost = categorical ? tf.mul(-1, tf.mul(y, tf.logSoftmax(z))) : huber(tf, residual);
    const part = tf.sum(tf.mul(present, cost), [1, 2]);
    sum = sum === undefined ? part : tf.add(sum, part);
  });
  return { residuals, losses: tf.mul(cells.weights, sum!) };
}

/** Quadratic within ± 1, linear beyond. */
function huber(tf: TensorFlow, residual: Tensor): Tensor {
  const size = tf.abs(residual);
  const inner = tf.minimum(size, 1);
  return tf.mul(inner, tf.sub(size, tf.mul(0.5, inner)));
}

function dense(tf: TensorFlow, input: Tensor, weights: Tensor, bias: Tensor): Tensor {
  return tf.add(tf.matMul(input, weights), bias);
}

/** States after each step; a window that has ended keeps its state. */
function lstm(
  tf: TensorFlow,
  hidden: number,
  [input, recurrent, bias]: readonly Tensor[],
  steps: readonly Tensor[],
  inside: readonly Tensor[],
): Tensor[] {
  const count = (steps[0] as Tensor & { shape: number[] }).shape[0]!;
  let h = tf.zeros([count, hidden]);
  let c = tf.zeros([count, hidden]);
  return steps.map((x, t) => {
    const gates = tf.add(dense(tf, x, input!, bias!), tf.matMul(h, recurrent!));
    const [i, f, n, o] = tf.split(gates, 4, 1) as [Tensor, Tensor, Tensor, Tensor];
    const cell = tf.add(tf.mul(tf.sigmoid(f), c), tf.mul(tf.sigmoid(i), tf.tanh(n)));
    const state = tf.mul(tf.sigmoid(o), tf.tanh(cell));
    c = tf.add(c, tf.mul(inside[t]!, tf.sub(cell, c)));
    h = tf.add(h, tf.mul(inside[t]!, tf.sub(state, h)));
    return h;
  });
}

function floats(tensor: Tensor): Float32Array {
  return Float32Array.from(tensor.dataSync());
}
