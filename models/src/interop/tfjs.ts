/**
 * The network as a TF.js LayersModel, and back: model artifacts as `tf.io.fromMemory` takes them, without importing TF.js.
 *
 * Keras has the same gate order (i, f, c, o) and one bias, so tensors go over as they are. A LayersModel knows no
 * lengths: it reconstructs full windows.
 * @module
 */
import { checkArchitecture, layoutOf, type Architecture } from '../architecture/index.js';
import { InteropError } from '../errors.js';
import type { NetworkParameters } from './safetensors.js';

/** The part of TF.js' `io.ModelArtifacts` that is filled. */
export interface LayersModelArtifacts {
  readonly format: 'layers-model';
  readonly generatedBy: string;
  readonly modelTopology: object;
  readonly weightSpecs: readonly { name: string; shape: number[]; dtype: 'float32' }[];
  readonly weightData: ArrayBuffer;
}

/** Layers in order: name, class, and the tensors of our layout that are its weights, by their Keras names. */
const LAYERS = [
  {
    name: 'encoder',
    weights: ['kernel:encoder/input', 'recurrent_kernel:encoder/recurrent', 'bias:encoder/bias'],
  },
  { name: 'latent', weights: ['kernel:latent/weights', 'bias:latent/bias'] },
  {
    name: 'decoder',
    weights: ['kernel:decoder/input', 'recurrent_kernel:decoder/recurrent', 'bias:decoder/bias'],
  },
  { name: 'output', weights: ['kernel:output/weights', 'bias:output/bias'] },
] as const;

export function toLayersModel({
  architecture,
  parameters,
}: NetworkParameters): LayersModelArtifacts {
  const layout = layoutOf(architecture);
  if (parameters.length !== layout.parameterCount) {
    throw refuse('parameters', `${layout.parameterCount} entries`, parameters.length);
  }
  const chosen = LAYERS.flatMap(({ name: layer, weights }) =>
    weights.map((pair) => {
      const [part, source] = pair.split(':') as [string, string];
      return { name: `${layer}/${part}`, tensor: layout.tensors.find((t) => t.name === source)! };
    }),
  );
  const data = new Float32Array(layout.parameterCount);
  let at = 0;
  for (const { tensor } of chosen) {
    data.set(parameters.subarray(tensor.offset, tensor.offset + tensor.size), at);
    at += tensor.size;
  }
  return {
    format: 'layers-model',
    generatedBy: 'bhschain models',
    modelTopology: topologyOf(layout.architecture),
    weightSpecs: chosen.map(({ name, tensor }) => ({
      name,
      shape: [...tensor.shape],
      dtype: 'float32',
    })),
    weightData: data.buffer,
  };
}

/**
 * Reads artifacts of the same chain of layers, such as `model.save` of an exported and further trained model gives.
 * @throws {InteropError} `ERR_INTEROP` if a layer, a weight or a shape is missing or differs
 */
export function fromLayersModel(artifacts: LayersModelArtifacts): NetworkParameters {
  const architecture = architectureOf(artifacts.modelTopology);
  const layout = layoutOf(architecture);
  const parameters = new Float32Array(layout.parameterCount);
  const { weightSpecs, weightData } = artifacts;
  let at = 0;
  const found = new Set<string>();
  for (const { name, shape, dtype } of weightSpecs) {
    const size = shape.reduce((product, extent) => product * extent, 1);
    const source = sourceOf(name);
    const tensor = layout.tensors.find((t) => t.name === source);
    if (tensor === undefined) throw refuse('weight', 'one of this network', name);
    if ((dtype as string) !== 'float32') throw refuse(`${name} dtype`, 'float32', dtype);
    if (shape.join('x') !== tensor.shape.join('x')) {
      throw refuse(`${name} shape`, tensor.shape.join('x'), shape.join('x'));
    }
    if (4 * (at + size) > weightData.byteLength) {
      throw refuse('weightData', `at least ${4 * (at + size)} bytes`, weightData.byteLength);
    }
    parameters.set(new Float32Array(weightData, 4 * at, size), tensor.offset);
    found.add(tensor.name);
    at += size;
  }
  const missing = layout.tensors.find(({ name }) => !found.has(name));
  if (missing !== undefined) throw refuse('weights', `${missing.name} among them`, 'none');
  return { architecture: layout.architecture, parameters };
}

/** Our tensor of a weight name; TF.js may put a prefix or suffix on either part (`decoder_1/lstm_cell/bias`). */
function sourceOf(name: string): string | undefined {
  const parts = name.split('/');
  const layer = LAYERS.find((l) => parts.some((part) => part.replace(/_\d+$/, '') === l.name));
  const last = parts.at(-1);
  return layer?.weights.map((pair) => pair.split(':')).find(([part]) => part === last)?.[1];
}

function topologyOf({ steps, features, hidden, latent }: Architecture): object {
  const dense = (name: string, units: number, more: object = {}): object => ({
    class_name: 'Dense',
    config: { name, units, activation: 'linear', use_bias: true, trainable: true, ...more },
  });
  const lstm = (name: string, returnSequences: boolean, more: object = {}): object => ({
    class_name: 'LSTM',
    config: {
      name,
      units: hidden,
      activation: 'tanh',
      recurrent_activation: 'sigmoid',
      use_bias: true,
      unit_forget_bias: true,
      recurrent_initializer: { class_name: 'Zeros', config: {} },
      implementation: 1,
      return_sequences: returnSequences,
      trainable: true,
      ...more,
    },
  });
  return {
    keras_version: 'tfjs-layers 4.22.0',
    backend: 'tensor_flow.js',
    model_config: {
      class_name: 'Sequential',
      config: {
        name: 'autoencoder',
        layers: [
          lstm('encoder', false, { batch_input_shape: [null, steps, features], dtype: 'float32' }),
          dense('latent', latent),
          { class_name: 'RepeatVector', config: { name: 'repeat', n: steps, trainable: true } },
          lstm('decoder', true),
          dense('output', features),
        ],
      },
    },
  };
}

interface LayerJson {
  readonly class_name?: string;
  readonly config?: Readonly<Record<string, unknown>>;
}

function architectureOf(topology: object): Architecture {
  const root = topology as { model_config?: { config?: unknown }; config?: unknown };
  const config = (root.model_config ?? root).config as
    { layers?: readonly LayerJson[] } | readonly LayerJson[] | undefined;
  const layers = config !== undefined && 'layers' in config ? config.layers : config;
  const chain = (Array.isArray(layers) ? (layers as readonly LayerJson[]) : []).filter(
    ({ class_name: name }) => name !== 'InputLayer',
  );
  const classes = chain.map(({ class_name: name }) => name).join(' ');
  if (classes !== 'LSTM Dense RepeatVector LSTM Dense') {
    throw refuse('layers', 'LSTM Dense RepeatVector LSTM Dense', classes);
  }
  const [encoder, code, repeat, decoder, output] = chain.map(({ config: c }) => c ?? {});
  if (encoder!['units'] !== decoder!['units']) {
    throw refuse('decoder units', String(encoder!['units']), String(decoder!['units']));
  }
  for (const lstm of [encoder, decoder]) {
    if (lstm!['recurrent_activation'] !== 'sigmoid' || lstm!['activation'] !== 'tanh') {
      throw refuse(
        'activations',
        'tanh and sigmoid',
        `${String(lstm!['activation'])} and ${String(lstm!['recurrent_activation'])}`,
      );
    }
  }
  return checkArchitecture({
    steps: Number(repeat!['n']),
    features: Number(output!['units']),
    hidden: Number(encoder!['units']),
    latent: Number(code!['units']),
  });
}

function refuse(name: string, expected: string, got: string | number): InteropError {
  return new InteropError('ERR_INTEROP', `${name}: expected ${expected}, got ${got}`, {
    name,
    expected,
    got,
  });
}
