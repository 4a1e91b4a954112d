/** The same network in TF.js: forward, and the gradient of the mean loss. */
import * as tf from '@tensorflow/tfjs-core';
import '@tensorflow/tfjs-backend-wasm';
import '@tensorflow/tfjs-layers';
import { layoutOf, type Architecture } from '../../src/architecture/index.js';
import type { Workload } from '../shapes.js';

export interface Engine {
  readonly name: string;
  gradient(): Float32Array;
  losses(): Float32Array;
}

/** On the wasm backend, one thread. */
export async function createTfjsWasm(workload: Workload): Promise<Engine> {
  await tf.setBackend('wasm');
  await tf.ready();
  const { architecture: a, parameters, batch } = workload;
  const weights = layoutOf(a).tensors.map(({ shape, offset, size }) =>
    tf.tensor(parameters.slice(offset, offset + size), [...shape]),
  );
  const windows = tf.tensor3d(batch.windows, [batch.lengths.length, a.steps, a.features]);
  return {
    name: `TF.js ${tf.version_core} wasm`,
    losses: () => tf.tidy(() => Float32Array.from(lossesOf(a, weights, windows).dataSync())),
    gradient: () =>
      tf.tidy(() => {
        const mean = (...p: tf.Tensor[]): tf.Scalar => tf.mean(lossesOf(a, p, windows));
        const { grads } = tf.valueAndGrads(mean)(weights);
        return Float32Array.from(grads.flatMap((g) => [...g.dataSync()]));
      }),
  };
}

function lossesOf(a: Architecture, p: readonly tf.Tensor[], windows: tf.Tensor3D): tf.Tensor1D {
  const steps = tf.unstack(windows, 1);
  const code = dense(lstm(a.hidden, p.slice(0, 3), steps).at(-1)!, p[3]!, p[4]!);
  const states = lstm(
    a.hidden,
    p.slice(5, 8),
    steps.map(() => code),
  );
  const outputs = tf.stack(
    states.map((state) => dense(state, p[8]!, p[9]!)),
    1,
  );
  const size = tf.abs(tf.sub(windows, outputs));
  const inner = tf.minimum(size, 1);
  const huber = tf.mul(inner, tf.sub(size, tf.mul(0.5, inner)));
  return tf.mul(3, tf.mean(huber, [1, 2]));
}

function dense(input: tf.Tensor, weights: tf.Tensor, bias: tf.Tensor): tf.Tensor {
  return tf.add(tf.matMul(input as tf.Tensor2D, weights as tf.Tensor2D), bias);
}

function lstm(hidden: number, p: readonly tf.Tensor[], steps: readonly tf.Tensor[]): tf.Tensor[] {
  const count = steps[0]!.shape[0];
  let h: tf.Tensor = tf.zeros([count, hidden]);
  let c: tf.Tensor = tf.zeros([count, hidden]);
  return steps.map((x) => {
    const sum = tf.add(dense(x, p[0]!, p[2]!), tf.matMul(h as tf.Tensor2D, p[1] as tf.Tensor2D));
    const parts: tf.Tensor[] = tf.split(sum, 4, 1);
    const [i, f, g, o] = parts as [tf.Tensor, tf.Tensor, tf.Tensor, tf.Tensor];
    c = tf.add(tf.mul(tf.sigmoid(f), c), tf.mul(tf.sigmoid(i), tf.tanh(g)));
    h = tf.mul(tf.sigmoid(o), tf.tanh(c));
    return h;
  });
}
