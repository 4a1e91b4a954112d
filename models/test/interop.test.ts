import '@tensorflow/tfjs-backend-cpu';
import * as tf from '@tensorflow/tfjs-core';
import * as layers from '@tensorflow/tfjs-layers';
import { beforeAll, describe, expect, it } from 'vitest';
import { DEFAULT_ARCHITECTURE, type Architecture } from '../src/architecture/index.js';
import { InteropError, ModelsError } from '../src/errors.js';
import {
  fromSafetensors,
  networksFromSafetensors,
  toSafetensors,
} from '../src/interop/safetensors.js';
import { fromLayersModel, toLayersModel, type LayersModelArtifacts } from '../src/interop/tfjs.js';
import { createKernel } from '../src/kernel/index.js';
import { randomBatch, randomParameters, relativeError, seeded } from './reference.js';

const SHAPES: readonly Architecture[] = [
  DEFAULT_ARCHITECTURE,
  { steps: 5, features: 7, hidden: 6, latent: 3 },
  { steps: 4, features: 9, hidden: 5, latent: 2, groups: [{ first: 3, size: 4 }] },
  {
    steps: 3,
    features: 5,
    hidden: 4,
    latent: 2,
    groups: [
      { first: 0, size: 2 },
      { first: 2, size: 3 },
    ],
  },
];
const network = (architecture: Architecture) => ({
  architecture,
  parameters: randomParameters(architecture, seeded(41)),
});

/** What the kernel reconstructs of full windows. */
function reconstruction(a: Architecture, windows: Float32Array, lengths: Uint8Array): Float32Array {
  const kernel = createKernel(a);
  kernel.setParameters(network(a).parameters);
  const residuals = kernel.reconstruct({ windows, lengths });
  return residuals.map((residual, cell) => windows[cell]! - residual);
}

/** Full windows, every row of a group naming a category. */
function windowsOf(a: Architecture): Float32Array {
  const { windows } = randomBatch(a, 3, seeded(42));
  for (const { first, size } of a.groups ?? []) {
    for (let row = 0; row < windows.length; row += a.features) {
      const columns = windows.subarray(row + first, row + first + size);
      if (!columns.includes(1)) columns[0] = 1;
    }
  }
  return windows;
}

describe.each(SHAPES)('a network of $steps × $features, $hidden, $latent', (a) => {
  const windows = windowsOf(a);
  const full = new Uint8Array(3).fill(a.steps);

  beforeAll(async () => {
    await tf.setBackend('cpu');
  });

  it('as a LayersModel reconstructs the same within 1e-4, and comes back', async () => {
    const artifacts = toLayersModel(network(a));
    const before = tf.memory().numTensors;
    const model = await layers.loadLayersModel(tf.io.fromMemory(asTfjs(artifacts)));
    const output = tf.tidy(() =>
      (model.predict(tf.tensor3d(windows, [3, a.steps, a.features])) as tf.Tensor).dataSync(),
    );
    expect(relativeError(output, reconstruction(a, windows, full))).toBeLessThan(1e-4);

    let saved: tf.io.ModelArtifacts | undefined;
    await model.save(
      tf.io.withSaveHandler((given) => {
        saved = given;
        return Promise.resolve({
          modelArtifactsInfo: { dateSaved: new Date(0), modelTopologyType: 'JSON' },
        });
      }),
    );
    model.dispose();
    expect(tf.memory().numTensors).toBe(before);
    expect(fromLayersModel(saved as unknown as LayersModelArtifacts)).toEqual(network(a));
    expect(fromLayersModel(artifacts)).toEqual(network(a));
  });

  it('as safetensors comes back', () => {
    const bytes = toSafetensors(network(a));
    expect(fromSafetensors(bytes)).toEqual(network(a));
    // The header is JSON that any reader of the format takes.
    const length = Number(new DataView(bytes.buffer).getBigUint64(0, true));
    const header = JSON.parse(Buffer.from(bytes.subarray(8, 8 + length)).toString()) as object;
    expect(header).toHaveProperty('encoder/input.shape', [a.features, 4 * a.hidden]);
    expect((8 + length) % 8).toBe(0);
  });
});

it('networks of a detector go into one safetensors file, and come back by name', () => {
  const networks = {
    insider: network(SHAPES[1]!),
    exfiltration: network(SHAPES[2]!),
    ransomware: network(SHAPES[0]!),
  };
  const bytes = toSafetensors(networks);
  expect(networksFromSafetensors(bytes)).toEqual(networks);
  expect(() => fromSafetensors(bytes)).toThrow(InteropError);
  expect(() => toSafetensors({})).toThrow(InteropError);
  expect(() => toSafetensors({ 'a/b': network(SHAPES[1]!) })).toThrow(InteropError);
});

describe('foreign bytes', () => {
  const bytes = toSafetensors(network(SHAPES[1]!));

  it('cut short are refused with a code', () => {
    for (let length = 0; length < bytes.length; length += length < 900 ? 1 : 37) {
      expect(() => fromSafetensors(bytes.subarray(0, length))).toThrow(InteropError);
    }
  });

  it('with a flipped bit in the header give a coded error or a network', () => {
    for (let bit = 0; bit < 8 * 1000; bit++) {
      const flipped = bytes.slice();
      flipped[bit >> 3]! ^= 1 << (bit & 7);
      try {
        fromSafetensors(flipped);
      } catch (error) {
        expect(error).toBeInstanceOf(ModelsError);
      }
    }
  });

  const artifacts = toLayersModel(network(SHAPES[1]!));
  const text = JSON.stringify(artifacts.modelTopology);
  it.each([
    ['another layer', { modelTopology: JSON.parse(text.replace('"LSTM"', '"GRU"')) as object }],
    [
      'another activation',
      { modelTopology: JSON.parse(text.replace('sigmoid', 'hardSigmoid')) as object },
    ],
    [
      'another head',
      { modelTopology: JSON.parse(text.replaceAll('"linear"', '"relu"')) as object },
    ],
    ['no layers', { modelTopology: {} }],
    ['a weight too few', { weightSpecs: artifacts.weightSpecs.slice(1) }],
    ['too few data', { weightData: artifacts.weightData.slice(4) }],
  ])('a LayersModel with %s is refused', (_, change) => {
    expect(() => fromLayersModel({ ...artifacts, ...change })).toThrow(InteropError);
  });
});

function asTfjs(artifacts: LayersModelArtifacts): tf.io.ModelArtifacts {
  return { ...artifacts, weightSpecs: [...artifacts.weightSpecs] };
}
