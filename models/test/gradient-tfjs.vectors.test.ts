/**
 * TF.js 4.22 differentiates the same network on its CPU backend: an oracle that shares no code with ours.
 */
import '@tensorflow/tfjs-backend-cpu';
// Registers the gradients of the operations.
import '@tensorflow/tfjs-layers';
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { DEFAULT_ARCHITECTURE, layoutOf, type Architecture } from '../src/architecture/index.js';
import { createKernel } from '../src/kernel/index.js';
import { randomBatch, randomParameters, relativeError, seeded } from './reference.js';

beforeAll(async () => {
  await tf.setBackend('cpu');
  await tf.ready();
});

describe.each([DEFAULT_ARCHITECTURE, { steps: 7, features: 5, hidden: 6, latent: 3 }])(
  'gradient of $steps × $features, $hidden, $latent',
  (a: Architecture) => {
    it('equals that of TF.js within 1e-4', () => {
      const count = 3;
      const parameters = randomParameters(a, seeded(21));
      const batch = randomBatch(a, count, seeded(22));
      const before = tf.memory().numTensors;
      const { gradient, loss } = tfjsGradient(a, parameters, batch);
      expect(tf.memory().numTensors).toBe(before);

      const kernel = createKernel(a);
      kernel.setParameters(parameters);
      const ours = kernel.gradient(batch);
      expect(ours.loss).toBeCloseTo(loss, 4);
      expect(relativeError(ours.gradient, gradient)).toBeLessThan(1e-4);
    });
  },
);

function tfjsGradient(
  a: Architecture,
  parameters: Float32Array,
  batch: { windows: Float32Array; lengths: Uint8Array },
): { gradient: Float32Array; loss: number } {
  return tf.tidy(() => {
    const { tensors } = layoutOf(a);
    const inputs = tensors.map(({ shape, offset, size }) =>
      tf.tensor(parameters.slice(offset, offset + size), [...shape]),
    );
    const windows = tf.tensor3d(batch.windows, [batch.lengths.length, a.steps, a.features]);
    const meanLoss = (...p: tf.Tensor[]): tf.Scalar => {
      const losses = Array.from(batch.lengths, (length, i) =>
        windowLoss(
          a,
          p,
          tf.reshape(tf.slice(windows, [i, 0, 0], [1, length, a.features]), [length, a.features]),
        ),
      );
      return tf.mean(tf.stack(losses));
    };
    const { value, grads } = tf.valueAndGrads(meanLoss)(inputs);
    const gradient = Float32Array.from(grads.flatMap((g) => [...g.dataSync()]));
    return { gradient, loss: value.dataSync()[0]! };
  });
}

function windowLoss(a: Architecture, p: tf.Tensor[], rows: tf.Tensor): tf.Scalar {
  const length = rows.shape[0];
  const steps = tf.split(rows, length, 0);
  const states = lstm(a.hidden, p[0]!, p[1]!, p[2]!, steps);
  const code = tf.add(tf.matMul(states.at(-1)! as tf.Tensor2D, p[3] as tf.Tensor2D), p[4]!);
  const decoded = lstm(
    a.hidden,
    p[5]!,
    p[6]!,
    p[7]!,
    steps.map(() => code),
  );
  const outputs = decoded.map((h) =>
    tf.add(tf.matMul(h as tf.Tensor2D, p[8] as tf.Tensor2D), p[9]!),
  );
  const size = tf.abs(tf.sub(rows, tf.concat(outputs, 0)));
  const inner = tf.minimum(size, 1);
  const huber = tf.mul(inner, tf.sub(size, tf.mul(0.5, inner)));
  return tf.mul(3, tf.mean(huber));
}

function lstm(
  hidden: number,
  input: tf.Tensor,
  recurrent: tf.Tensor,
  bias: tf.Tensor,
  steps: tf.Tensor[],
): tf.Tensor[] {
  let h: tf.Tensor = tf.zeros([1, hidden]);
  let c: tf.Tensor = tf.zeros([1, hidden]);
  return steps.map((x) => {
    const sum = tf.add(
      tf.add(
        tf.matMul(x as tf.Tensor2D, input as tf.Tensor2D),
        tf.matMul(h as tf.Tensor2D, recurrent as tf.Tensor2D),
      ),
      bias,
    );
    const [i, f, g, o] = tf.split(sum, 4, 1) as [tf.Tensor, tf.Tensor, tf.Tensor, tf.Tensor];
    c = tf.add(tf.mul(tf.sigmoid(f), c), tf.mul(tf.sigmoid(i), tf.tanh(g)));
    h = tf.mul(tf.sigmoid(o), tf.tanh(c));
    return h;
  });
}
