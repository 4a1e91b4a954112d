import '@tensorflow/tfjs-backend-cpu';
// Registers the gradients of the operations.
import '@tensorflow/tfjs-layers';
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { initialParameters, type Architecture } from '../src/architecture/index.js';
import { openTfjsNode } from '../src/interop/tfjs-node.js';
import { createKernel } from '../src/kernel/index.js';
import { preTrain } from '../src/training/index.js';
import { randomBatch, randomParameters, relativeError, seeded } from './reference.js';

const SHAPES: readonly Architecture[] = [
  { steps: 6, features: 8, hidden: 4, latent: 2 },
  {
    steps: 5,
    features: 9,
    hidden: 6,
    latent: 3,
    groups: [
      { first: 0, size: 2 },
      { first: 4, size: 3 },
    ],
  },
];

beforeAll(async () => {
  await tf.setBackend('cpu');
});

describe.each(SHAPES)('the optional engine at $steps × $features', (a) => {
  const batch = {
    ...randomBatch(a, 7, seeded(52)),
    columnMask: Uint32Array.from({ length: 7 }, (_, i) => (i % 3 === 0 ? 0b1010 : 0)),
  };
  const engineOf = () => openTfjsNode(a, () => Promise.resolve({ default: tf }));

  it('reconstructs, judges and differentiates like our kernel, and keeps no tensor', async () => {
    const parameters = randomParameters(a, seeded(51));
    const before = tf.memory().numTensors;
    const engine = await engineOf();
    const kernel = createKernel(a);
    engine.setParameters(parameters);
    kernel.setParameters(parameters);
    // Heads stand in the order of their columns, so residuals compare cell by cell.
    expect(relativeError(engine.reconstruct(batch), kernel.reconstruct(batch))).toBeLessThan(1e-4);
    expect(relativeError(engine.losses(batch), kernel.losses(batch))).toBeLessThan(1e-4);
    const [theirs, ours] = [engine.gradient(batch), kernel.gradient(batch)];
    expect(relativeError(theirs.gradient, ours.gradient)).toBeLessThan(1e-4);
    expect(theirs.loss).toBeCloseTo(ours.loss, 4);
    expect(tf.memory().numTensors).toBe(before);
  });

  it('takes part in the same training', async () => {
    const start = initialParameters(a, seeded(53));
    const train = (on: Awaited<ReturnType<typeof engineOf>>): Float32Array => {
      const parameters = start.slice();
      preTrain({
        kernel: on,
        parameters,
        batch,
        steps: 10,
        windowsPerStep: 4,
        learningRate: 0.01,
        random: seeded(54),
      });
      return parameters;
    };
    const [theirs, ours] = [train(await engineOf()), train(createKernel(a))];
    expect(relativeError(theirs, ours)).toBeLessThan(1e-3);
    expect(relativeError(ours, start)).toBeGreaterThan(0.05);
  });
});

it('says how to get the engine where it is not installed', async () => {
  const absent = (): Promise<never> => Promise.reject(new Error('Cannot find package'));
  await expect(openTfjsNode(SHAPES[0]!, absent)).rejects.toMatchObject({
    code: 'ERR_ENGINE_ABSENT',
  });
});
